import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../core/ports/log.ts";

/** Of Deno's own server, what is needed here. */
interface Server {
  readonly addr: { readonly port: number };
  readonly finished: Promise<void>;
  shutdown(): Promise<void>;
}

/** How often it is tried to accept again. */
const AGAIN_MS = 250;

/**
 * A server that goes on accepting after the process had no file left for a connection: Deno's own gives
 * up for good then, while what it has accepted lives on.
 */
export class DenoServing {
  readonly port: number;
  readonly #serve: (port: number) => Server;
  readonly #log: Pick<Log, "info" | "error">;
  #current: Server | undefined;
  #isStopped = false;

  constructor(port: number, serve: (port: number) => Server, log: Pick<Log, "info" | "error">) {
    this.#serve = serve;
    this.#log = log;
    const first = serve(port);
    this.port = first.addr.port;
    this.#follow(first);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#current?.shutdown();
  }

  #follow(server: Server): void {
    this.#current = server;
    server.finished.then(
      () => this.#goOn(new Error("Cannot accept: the server ended by itself")),
      (error: unknown) => this.#goOn(error),
    );
  }

  async #goOn(error: unknown): Promise<void> {
    if (this.#isStopped) return;
    this.#current = undefined;
    this.#tellDeaf(error);
    let told = String(error);
    while (!this.#isStopped && this.#current === undefined) {
      await sleep(AGAIN_MS, undefined, { ref: false });
      try {
        this.#begin();
      } catch (again) {
        // It may be the same for long, and another reason is news.
        if (String(again) !== told) this.#tellDeaf(again);
        told = String(again);
      }
    }
  }

  #begin(): void {
    if (this.#isStopped) return;
    this.#follow(this.#serve(this.port));
    this.#log.info("listener.recovered", { port: this.port });
  }

  #tellDeaf(error: unknown): void {
    this.#log.error("listener.deaf", { port: this.port, retryMs: AGAIN_MS, error });
  }
}
