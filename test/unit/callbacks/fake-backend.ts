import { type BackendOptions, createBackend } from "../../../src/callbacks/backend.ts";
import type { Backend } from "../../../src/core/ports/backend.ts";
import { createWebClient } from "../../../src/runtime/web-client.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** A request as it reached the backend. */
export interface Asked {
  readonly path: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string;
}

/** An operator's backend whose answers a test decides. */
export class FakeBackend implements Disposable {
  readonly asked: Asked[] = [];
  readonly clock = new FakeClock();
  /** The text of the next answers, or what makes them. */
  answer: string | ((asked: Asked) => Response | Promise<Response>) = '{"result":{}}';
  readonly #server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const { method, headers } = request;
      const path = new URL(request.url).pathname;
      const asked = { path, method, headers, body: await request.text() };
      this.asked.push(asked);
      return typeof this.answer === "string" ? new Response(this.answer) : this.answer(asked);
    },
  });

  /** The part of Posthorn that asks it. */
  connectTo(options: Partial<BackendOptions> = {}): Required<Backend> {
    const base = `http://127.0.0.1:${this.#server.port}`;
    const backend = createBackend({
      urls: {
        connect: `${base}/connect`,
        refresh: `${base}/refresh`,
        subscribe: `${base}/subscribe`,
        publish: `${base}/publish`,
        rpc: `${base}/rpc`,
      },
      timeoutMs: 1_000,
      headers: [],
      web: createWebClient(this.clock),
      ...options,
    });
    const { connect, refresh, subscribe, publish, rpc } = backend;
    if (connect && refresh && subscribe && publish && rpc) {
      return { connect, refresh, subscribe, publish, rpc };
    }
    throw new Error("Cannot go on: a method is missing");
  }

  [Symbol.dispose](): void {
    this.#server.stop(true);
  }
}
