import { afterAll, describe, expect, test } from "bun:test";
import type { WebRequest } from "../../../src/core/ports/web-client.ts";
import { createWebClient } from "../../../src/runtime/web-client.ts";
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
      return Response.json({ method, note: headers.get("x-note"), body: await request.text() });
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
    "/bomb": new Response(Bun.gzipSync(new Uint8Array(4_000_000)), {
      headers: { "content-encoding": "gzip" },
    }),
    "/latin1": new Response(new Uint8Array([0x22, 0xe9, 0x22])),
    "/split": () => new Response(inHalves(new TextEncoder().encode("a€b"))),
    "/hang": () => {
      onHanging();
      return new Promise<Response>(() => {});
    },
    "/half": () => {
      onHanging();
      return new Response(new ReadableStream({ start: (it) => it.enqueue("half") }));
    },
  },
});
afterAll(() => server.stop(true));

function inHalves(bytes: Uint8Array): ReadableStream {
  const [first, second] = [bytes.slice(0, 2), bytes.slice(2)];
  return new ReadableStream({
    async pull(controller) {
      controller.enqueue(first);
      await Promise.resolve();
      controller.enqueue(second);
      controller.close();
    },
  });
}

function request(path: string, more: Partial<WebRequest> = {}): WebRequest {
  const url = `http://127.0.0.1:${server.port}${path}`;
  return { method: "GET", url, timeoutMs: 1_000, answerMaxBytes: LIMIT_BYTES, ...more };
}

const clock = new FakeClock();
const web = createWebClient(clock);

describe("send()", () => {
  test("sends what it is told and gives the answer", async () => {
    const more = { method: "POST", headers: { "x-note": "hi" }, body: '{"n":1.0}' } as const;
    const answer = await web.send(request("/echo", more));
    const text = JSON.stringify({ method: "POST", note: "hi", body: '{"n":1.0}' });
    expect(answer).toEqual({ ok: true, status: 200, text });
    expect(clock.pending).toBe(0);
  });

  test.each([
    ["/teapot", 418, "short and stout"],
    ["/empty", 204, ""],
    ["/exact", 200, "x".repeat(LIMIT_BYTES)],
    ["/split", 200, "a€b"],
  ])("takes %s for an answer with status %d", async (path, status, text) => {
    expect(await web.send(request(path))).toEqual({ ok: true, status, text });
  });

  test.each([
    ["/moved", "answered with status 307, and redirects are not followed"],
    ["/long", "answered with more than 1024 bytes"],
    ["/bomb", "answered with more than 1024 bytes"],
    ["/latin1", "gave no answer that can be read"],
  ])("refuses the answer of %s: it %s", async (path, why) => {
    const answer = await web.send(request(path));
    expect(answer).toMatchObject({ ok: false, why: expect.stringContaining(why) });
    expect(asked).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test.each(["/hang", "/half"])("waits for %s no longer than it may", async (path) => {
    const hanging = Promise.withResolvers<void>();
    onHanging = hanging.resolve;
    const sending = web.send(request(path));
    await hanging.promise;
    clock.advance(999);
    expect(clock.pending).toBe(1);
    clock.advance(1);
    expect(await sending).toMatchObject({ ok: false, why: "did not answer within 1000 ms" });
  });

  test("tells that nobody is there, without the address", async () => {
    const closed = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
    const url = `http://127.0.0.1:${closed.port}/?key=canary`;
    await closed.stop(true);
    const answer = await web.send(request("", { url }));
    expect(answer).toMatchObject({
      ok: false,
      why: "gave no answer that can be read (ECONNREFUSED)",
    });
  });
});
