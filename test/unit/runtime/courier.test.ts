import { afterAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { WebRequest } from "../../../src/core/ports/web-client.ts";
import { createCourier } from "../../../src/runtime/courier.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const LIMIT_BYTES = 1024;
const asked: string[] = [];
/** Told of each request that is never answered to its end. */
let onHanging = (): void => {};

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  routes: {
    "/echo": async (request) => {
      const { method, headers } = request;
      return Response.json(
        { method, note: headers.get("x-note"), body: await request.text() },
        { headers: { "Retry-After": "7" } },
      );
    },
    "/teapot": new Response("short and stout", { status: 418 }),
    "/empty": new Response(null, { status: 204 }),
    "/moved": Response.redirect("/target", 307),
    "/target": () => {
      asked.push("/target");
      return new Response("caught");
    },
    "/exact": new Response("x".repeat(LIMIT_BYTES)),
    "/long": new Response("x".repeat(LIMIT_BYTES + 1)),
    "/bomb": new Response(Bun.gzipSync(new Uint8Array(4_000_000).fill(0x78)), {
      headers: { "content-encoding": "gzip" },
    }),
    "/latin1": new Response(new Uint8Array([0x22, 0xe9, 0x22])),
    "/hang": () => {
      onHanging();
      return new Promise<Response>(() => {});
    },
    "/half": () => new Response(new ReadableStream({ start: (it) => it.enqueue("half") })),
    "/endless": () =>
      new Response(new ReadableStream({ pull: (it) => it.enqueue("x".repeat(LIMIT_BYTES)) })),
  },
});
afterAll(() => server.stop(true));

function request(path: string, more: Partial<WebRequest> = {}): WebRequest {
  const url = `http://127.0.0.1:${server.port}${path}`;
  return { method: "GET", url, timeoutMs: 1_000, answerMaxBytes: LIMIT_BYTES, ...more };
}

/** Says when an answer has begun; nothing of it shows outside. */
function watchFetch(onAnswer: () => void): Disposable {
  const original = globalThis.fetch;
  const watching: typeof fetch = Object.assign(async (...input: Parameters<typeof fetch>) => {
    const response = await original(...input);
    queueMicrotask(onAnswer);
    return response;
  }, original);
  globalThis.fetch = watching;
  return {
    [Symbol.dispose]() {
      globalThis.fetch = original;
    },
  };
}

const clock = new FakeClock();
const courier = createCourier(clock);

describe("send()", () => {
  test("sends what it is told and gives the status, the headers and the text", async () => {
    const more = { method: "POST", headers: { "x-note": "hi" }, body: '{"n":1.0}' } as const;
    const answer = await courier.send(request("/echo", more));
    const text = JSON.stringify({ method: "POST", note: "hi", body: '{"n":1.0}' });
    expect(answer).toMatchObject({ ok: true, status: 200, text });
    if (!answer.ok) throw new Error("Cannot go on: there is no answer");
    expect(answer.header("retry-after")).toBe("7");
    expect(answer.header("Retry-After")).toBe("7");
    expect(answer.header("x-nothing")).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  test.each([
    ["/teapot", 418, "short and stout"],
    ["/empty", 204, ""],
    ["/moved", 307, ""],
    ["/exact", 200, "x".repeat(LIMIT_BYTES)],
    ["/long", 200, "x".repeat(LIMIT_BYTES)],
    ["/bomb", 200, "x".repeat(LIMIT_BYTES)],
    ["/endless", 200, "x".repeat(LIMIT_BYTES)],
    ["/latin1", 200, '"\ufffd"'],
  ])("takes %s for an answer with status %d, whatever its body is", async (path, status, text) => {
    expect(await courier.send(request(path))).toMatchObject({ ok: true, status, text });
    expect(asked).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test("waits for an answer no longer than it may", async () => {
    const hanging = Promise.withResolvers<void>();
    onHanging = hanging.resolve;
    const sending = courier.send(request("/hang"));
    await hanging.promise;
    clock.advance(999);
    expect(clock.pending).toBe(1);
    clock.advance(1);
    expect(await sending).toMatchObject({ ok: false, why: "did not answer within 1000 ms" });
  });

  test("waits for a body no longer than it may, and keeps what came", async () => {
    const started = Promise.withResolvers<void>();
    using _ = watchFetch(started.resolve);
    const sending = courier.send(request("/half"));
    await started.promise;
    clock.advance(1_000);
    expect(await sending).toMatchObject({ ok: true, status: 200, text: "half" });
  });

  test("keeps the status of an answer that breaks off", async () => {
    const breaking = createServer((socket) => {
      socket.once("data", () => {
        socket.end("HTTP/1.1 202 Accepted\r\ncontent-length: 9\r\n\r\nhalf");
      });
    });
    await once(breaking.listen(0, "127.0.0.1"), "listening");
    const { port } = breaking.address() as AddressInfo;
    const answer = await courier.send(request("", { url: `http://127.0.0.1:${port}/` }));
    breaking.close();
    expect(answer).toMatchObject({ ok: true, status: 202 });
  });

  test("tells that nobody is there, without the address", async () => {
    const closed = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
    const url = `http://127.0.0.1:${closed.port}/?key=canary`;
    await closed.stop(true);
    const answer = await courier.send(request("", { url }));
    expect(answer).toMatchObject({ ok: false, why: "could not be reached (ECONNREFUSED)" });
  });
});
