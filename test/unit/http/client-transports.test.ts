import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { parseOrigins } from "../../../src/core/origins.ts";
import type { Backend } from "../../../src/core/ports/backend.ts";
import type { Caller } from "../../../src/http/app-env.ts";
import { bindClientTransports } from "../../../src/http/client-transports.ts";
import { createConnectionGate } from "../../../src/http/connection-gate.ts";
import { createLifecycle } from "../../../src/http/lifecycle.ts";
import { toProblem } from "../../../src/http/problem.ts";
import { gatewayWorld, settled } from "../../support/gateway-world.ts";
import { HeldBody } from "../../support/held-body.ts";

const PAGE = "https://app.example.com";
const HELD_PATHS = [
  "/connection/http_stream",
  "/connection/sse",
  "/connection/uni_http_stream",
  "/connection/uni_sse",
] as const;
const CONNECT = JSON.stringify({ id: 1, connect: { token: "good" } });
const REQUEST = JSON.stringify({ token: "good" });
const LIMIT_BYTES = 1000;

function world(backend: Backend = {}) {
  const it = gatewayWorld({ backend });
  const { clock, log, gateway } = it;
  const lifecycle = createLifecycle();
  const gate = createConnectionGate({
    ...it,
    lifecycle,
    allowedOrigins: { current: parseOrigins([PAGE]) },
    addressRate: { perSecond: 0, burst: 1 },
  });
  const app = new Hono<{ Bindings: Caller }>();
  bindClientTransports(app, {
    gateway,
    gate,
    clock,
    log,
    clientHeaders: { current: ["cookie"] },
    limits: { frameMaxBytes: LIMIT_BYTES, bodyTimeoutMs: 1000 },
  });
  app.onError((error) => toProblem(error, clock, log));
  let held = 0;
  const env: Caller = {
    remoteAddress: "192.0.2.1",
    upgrade: () => false,
    holdOpen() {
      held += 1;
      return () => {
        held -= 1;
      };
    },
  };
  const ask = async (path: string, init: RequestInit = {}) =>
    app.request(`http://push.example.com${path}`, init, env);
  const post = (path: string, body: BodyInit, headers: Record<string, string> = {}) =>
    ask(path, { method: "POST", body, headers });
  return { ...it, lifecycle, ask, post, held: () => held };
}

async function textOf({ body }: Response): Promise<string> {
  if (body === null) throw new Error("Cannot read: the response has no body");
  const held = new HeldBody(body);
  held.run();
  await settled();
  return held.text;
}

async function problemOf(response: Response) {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const { code, detail } = await response.json();
  return { status: response.status, code, detail };
}

describe("a held response", () => {
  test.each([
    ["/connection/http_stream", CONNECT, /^\{"id":1,"connect":\{.*\}\}\n$/],
    ["/connection/uni_http_stream", REQUEST, /^\{"connect":\{.*\}\}\n$/],
    ["/connection/sse", CONNECT, /^\ndata: \{"id":1,"connect":\{.*\}\}\n\n$/],
    ["/connection/uni_sse", REQUEST, /^\ndata: \{"connect":\{.*\}\}\n\n$/],
  ])("of POST %s begins with the answer to the body", async (path, body, expected) => {
    const it = world();
    const response = await it.post(path, body);
    expect(response.status).toBe(200);
    expect(await textOf(response)).toMatch(expected);
    expect(it.held()).toBe(1);
  });

  test.each([
    ["/connection/http_stream", "application/json"],
    ["/connection/uni_http_stream", "application/json"],
    ["/connection/sse", "text/event-stream; charset=utf-8"],
    ["/connection/uni_sse", "text/event-stream; charset=utf-8"],
  ])("of %s is %s that nobody may store, change or gather", async (path, type) => {
    const { headers } = await world().post(path, path.includes("uni") ? REQUEST : CONNECT);
    expect(headers.get("content-type")).toBe(type);
    expect(headers.get("x-accel-buffering")).toBe("no");
    expect(headers.get("cache-control")).toMatch(/no-cache.*no-transform/);
  });

  test.each([
    ["/connection/sse", CONNECT],
    ["/connection/uni_sse", REQUEST],
  ])("of GET %s begins with the answer to its query", async (path, text) => {
    const response = await world().ask(`${path}?cf_connect=${encodeURIComponent(text)}`);
    expect(response.status).toBe(200);
    expect(await textOf(response)).toContain('"connect":{"client"');
  });

  test.each([
    ["GET", "/connection/sse", undefined],
    ["POST", "/connection/sse", ""],
    ["POST", "/connection/http_stream", " \n"],
  ])("of %s %s is refused with 400 without a first frame", async (method, path, body) => {
    const it = world();
    const response = await it.ask(path, { method, ...(body !== undefined && { body }) });
    expect(await problemOf(response)).toMatchObject({ status: 400, code: "connect_missing" });
    expect(it.registry.size).toBe(0);
  });

  test("of a client that only listens may begin with nothing, and hears then why not", async () => {
    const response = await world().ask("/connection/uni_sse");
    expect(response.status).toBe(200);
    expect(await textOf(response)).toContain('data: {"disconnect":{"code":3501,');
  });

  test("of a client that only listens is refused with 400 when its request is none", async () => {
    const response = await world().post("/connection/uni_http_stream", "nonsense");
    expect(await problemOf(response)).toMatchObject({ status: 400, code: "frame_malformed" });
  });

  test.each(HELD_PATHS)(
    "of %s is refused with 413 when its first frame is too long",
    async (path) => {
      const response = await world().post(path, "x".repeat(LIMIT_BYTES + 1));
      expect(await problemOf(response)).toMatchObject({ status: 413, code: "body_too_large" });
    },
  );

  test("is refused with 415 for binary frames", async () => {
    const headers = { "content-type": "application/octet-stream" };
    const response = await world().post("/connection/http_stream", "\x01", headers);
    expect(await problemOf(response)).toMatchObject({ status: 415 });
  });

  test("is refused with 503 while the server drains, and when it is full", async () => {
    const it = world();
    for (let client = 0; client < 10; client += 1) {
      await it.post("/connection/http_stream", CONNECT);
    }
    const full = await it.post("/connection/http_stream", CONNECT);
    expect(await problemOf(full)).toMatchObject({ status: 503, code: "clients_full" });
    it.lifecycle.startDraining();
    const draining = await it.post("/connection/http_stream", CONNECT);
    expect(await problemOf(draining)).toMatchObject({ status: 503, code: "draining" });
    expect(it.registry.size).toBe(10);
  });

  test.each([
    ["GET", "/connection/http_stream", "POST, OPTIONS"],
    ["GET", "/connection/uni_http_stream", "POST, OPTIONS"],
    ["HEAD", "/connection/sse", "GET, POST, OPTIONS"],
    ["HEAD", "/connection/uni_sse", "GET, POST, OPTIONS"],
    ["PUT", "/connection/uni_sse", "GET, POST, OPTIONS"],
    ["GET", "/emulation", "POST, OPTIONS"],
  ])("%s %s is refused with 405 and holds nobody", async (method, path, allow) => {
    const it = world();
    const response = await it.ask(`${path}?cf_connect=${encodeURIComponent(CONNECT)}`, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
    expect(it.registry.size).toBe(0);
  });

  test("lets the backend see those headers of the request that are kept", async () => {
    const seen: unknown[] = [];
    const it = world({
      async connect({ headers, transport }) {
        seen.push({ headers, transport });
        return { error: { code: 403, message: "no", temporary: false } };
      },
    });
    const headers = { cookie: "a=1", "x-other": "2" };
    await it.post("/connection/http_stream", '{"id":1,"connect":{}}', headers);
    await settled();
    expect(seen).toEqual([{ headers: { cookie: "a=1" }, transport: "http_stream" }]);
  });
});

describe("POST /emulation", () => {
  async function connected() {
    const it = world();
    const { body } = await it.post("/connection/http_stream", CONNECT);
    const held = new HeldBody(body ?? new ReadableStream());
    held.run();
    await settled();
    const { session, node } = JSON.parse(held.text).connect;
    const emulate = (request: object) => it.post("/emulation", JSON.stringify(request));
    return { ...it, held, session, node, emulate };
  }
  const SUBSCRIBE = JSON.stringify({ id: 2, subscribe: { channel: "news:today" } });

  test("hands a frame to the client, and answers 204 with nothing", async () => {
    const { emulate, session, node, held } = await connected();
    const response = await emulate({ session, node, data: SUBSCRIBE });
    expect([response.status, await response.text()]).toEqual([204, ""]);
    await settled();
    expect(held.text).toEndWith('\n{"id":2,"subscribe":{}}\n');
  });

  test("answers 204 also when nobody has the session", async () => {
    const { emulate, node } = await connected();
    expect((await emulate({ session: "guess", node, data: SUBSCRIBE })).status).toBe(204);
  });

  test("answers 404 for another node", async () => {
    const { emulate, session } = await connected();
    const response = await emulate({ session, node: "node-2", data: SUBSCRIBE });
    expect(await problemOf(response)).toMatchObject({ status: 404, code: "node_unknown" });
  });

  test.each(["", "nonsense", '{"session":"s"}'])("answers 400 for the body %j", async (body) => {
    const response = await world().post("/emulation", body);
    expect(await problemOf(response)).toMatchObject({ status: 400, code: "body_malformed" });
  });

  test("answers 413 for a body that is too long", async () => {
    const response = await world().post("/emulation", "x".repeat(LIMIT_BYTES + 1));
    expect(await problemOf(response)).toMatchObject({ status: 413 });
  });
});

describe("a page of another origin", () => {
  test.each([...HELD_PATHS, "/emulation"])(
    "may ask %s beforehand if it is listed",
    async (path) => {
      const response = await world().ask(path, {
        method: "OPTIONS",
        headers: {
          origin: PAGE,
          "access-control-request-method": "POST",
          "access-control-request-headers": "content-type,x-more",
        },
      });
      expect(response.status).toBe(204);
      const methods = path.endsWith("sse") ? "GET, POST, OPTIONS" : "POST, OPTIONS";
      expect(Object.fromEntries(response.headers)).toEqual({
        "access-control-allow-credentials": "true",
        "access-control-allow-headers": "content-type,x-more",
        "access-control-allow-methods": methods,
        "access-control-allow-origin": PAGE,
        "access-control-max-age": "300",
        vary: "origin",
      });
    },
  );

  test("may read the answer if it is listed, also that of a refusal", async () => {
    const { post } = world();
    const answers = [
      await post("/connection/http_stream", CONNECT, { origin: PAGE }),
      await post("/connection/http_stream", "", { origin: PAGE }),
      await post("/emulation", "nonsense", { origin: PAGE }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 400, 400]);
    for (const { headers } of answers) {
      expect(headers.get("access-control-allow-origin")).toBe(PAGE);
      expect(headers.get("access-control-allow-credentials")).toBe("true");
    }
  });

  test.each([...HELD_PATHS, "/emulation"])(
    "is kept out of %s with 403 if it is not listed",
    async (path) => {
      const it = world();
      const headers = { origin: "https://evil.example.org", host: "push.example.com" };
      const response = await it.post(path, CONNECT, headers);
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
      expect(await problemOf(response)).toMatchObject({ status: 403, code: "origin_denied" });
      expect(it.registry.size).toBe(0);
      expect(it.log.of("handshake.failed")).toEqual([
        expect.objectContaining({
          code: "origin_denied",
          path,
          address: "192.0.2.1",
          fix: ['clients.allowed_origins = ["https://evil.example.org"]'],
        }),
      ]);
    },
  );

  test("is told of the Host line where a proxy seems not to forward it", async () => {
    const it = world();
    const headers = { origin: "https://push.example.com", host: "127.0.0.1:8077" };
    await it.post("/connection/http_stream", CONNECT, headers);
    expect(it.log.of("handshake.failed")[0]?.["fix"]).toEqual([
      "nginx: proxy_set_header Host $http_host;",
      'clients.allowed_origins = ["https://push.example.com"]',
    ]);
  });

  test("of our own host needs no list", async () => {
    const headers = { origin: "https://push.example.com", host: "push.example.com" };
    const response = await world().post("/connection/http_stream", CONNECT, headers);
    expect(response.status).toBe(200);
  });
});
