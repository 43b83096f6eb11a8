import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { Fault } from "../../../src/core/faults.ts";
import type { RequestInfo, SocketHandler } from "../../../src/core/ports/host.ts";
import { UNCOUNTED } from "../../../src/core/uncounted.ts";
import type { App } from "../../../src/http/app-env.ts";
import { createEntry, type EntryOptions } from "../../../src/http/entry.ts";
import { createLifecycle } from "../../../src/http/lifecycle.ts";
import type { Peer } from "../../../src/ws/connection.ts";
import type { Greeting } from "../../../src/ws/socket-client.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const HANDLER: SocketHandler = { open() {}, message() {}, pong() {}, close() {} };
const UPGRADE = {
  host: "posthorn.test",
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
};

function world(options: Partial<EntryOptions> & { upgrades?: boolean } = {}) {
  const { upgrades = true, ...replaced } = options;
  const log = new RecordingLog();
  const lifecycle = createLifecycle();
  const accepted: { readonly peer: Peer; readonly greeting: Greeting }[] = [];
  const upgraded: object[] = [];
  const app: App = new Hono();
  app.get("/plain", (c) => c.text("plain"));
  app.get("/bug", () => Promise.reject(new Error("canary")));
  app.onError((error) => {
    throw error;
  });
  const entry = createEntry({
    metrics: UNCOUNTED,
    app,
    lifecycle,
    log,
    clock: new FakeClock(),
    clientHeaders: { current: ["x-trace"] },
    login: { reply: "hello", visitors: true },
    gate: { checkOrigin() {}, checkRate() {}, checkRoom() {} },
    gateway: {
      accept(peer, greeting) {
        accepted.push({ peer, greeting });
        return HANDLER;
      },
    },
    ...replaced,
  });
  const info: RequestInfo = {
    remoteAddress: "192.0.2.1",
    holdOpen: () => () => {},
    upgrade(_, options) {
      upgraded.push(options);
      return upgrades;
    },
  };
  const ask = (path: string, headers: Record<string, string> = { host: "posthorn.test" }) =>
    entry(new Request(`http://posthorn.test${path}`, { headers }), info);
  return { ask, log, lifecycle, accepted, upgraded };
}

function refusing(code: "origin_denied" | "clients_full"): () => never {
  return () => {
    throw new Fault(code, { detail: "no" });
  };
}

async function codeOf(answer: Promise<Response>): Promise<readonly [number, string]> {
  const { status, body } = await answer.then(async (it) => ({
    status: it.status,
    body: await it.json(),
  }));
  return [status, body.code];
}

describe("a plain request", () => {
  test("goes to the routes", async () => {
    expect(await (await world().ask("/plain")).text()).toBe("plain");
  });

  test("with a Host that leads elsewhere is refused before anything looks at it", async () => {
    const answer = world().ask("/plain", { host: "a/b?c" });
    expect(await codeOf(answer)).toEqual([400, "host_invalid"]);
  });

  test("that meets a bug says nothing of it", async () => {
    const it = world();
    const answer = await it.ask("/bug");
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("canary");
    expect(it.log.of("http.bug")).toHaveLength(1);
  });

  test("is refused while the server drains, but for the check that it lives", async () => {
    const it = world();
    it.lifecycle.startDraining();
    expect(await codeOf(it.ask("/plain"))).toEqual([503, "draining"]);
    expect((await it.ask("/healthz")).status).toBe(404);
  });

  test("counts as unfinished until it is answered", async () => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    const app: App = new Hono();
    app.get("/slow", () => promise);
    const it = world({ app });
    const answer = it.ask("/slow");
    let isIdle = false;
    const idle = it.lifecycle.idle().then(() => {
      isIdle = true;
    });
    await Promise.resolve();
    expect(isIdle).toBe(false);
    resolve(new Response("done"));
    expect(await (await answer).text()).toBe("done");
    await idle;
  });
});

describe("a websocket handshake", () => {
  test("on /connection/websocket begins with a connect command", async () => {
    const it = world();
    await it.ask("/connection/websocket", { ...UPGRADE, "x-trace": "1", "x-secret": "2" });
    expect(it.accepted).toMatchObject([
      { peer: { remoteAddress: "192.0.2.1" }, greeting: { by: "command" } },
    ]);
    expect(it.accepted[0]?.peer.headers).toEqual({ "x-trace": "1" });
    expect(it.upgraded).toEqual([{}]);
  });

  test("confirms the subprotocol of the client protocol", async () => {
    const it = world();
    const headers = { ...UPGRADE, "sec-websocket-protocol": "other, centrifuge-json" };
    await it.ask("/connection/websocket", headers);
    expect(it.upgraded).toEqual([{ protocol: "centrifuge-json" }]);
  });

  test("on /login is the connect itself", async () => {
    const it = world();
    await it.ask("/login?token=abc", UPGRADE);
    expect(it.accepted).toMatchObject([
      { greeting: { by: "handshake", reply: "hello", connect: { token: "abc", visitors: true } } },
    ]);
  });

  test("on /connection/uni_websocket may bring the connect request", async () => {
    const it = world();
    await it.ask("/connection/uni_websocket?cf_connect=%7B%7D", UPGRADE);
    await it.ask("/connection/uni_websocket", UPGRADE);
    expect(it.accepted.map(({ greeting }) => greeting)).toEqual([
      { by: "request", text: "{}" },
      { by: "request" },
    ]);
  });

  test.each([
    ["the page may not connect", { checkOrigin: refusing("origin_denied") }, "origin_denied"],
    ["the server is full", { checkRoom: refusing("clients_full") }, "clients_full"],
  ])("is refused when %s", async (_, gate, code) => {
    const open = { checkOrigin() {}, checkRate() {}, checkRoom() {} };
    const it = world({ gate: { ...open, ...gate } });
    const [, found] = await codeOf(it.ask("/connection/websocket", UPGRADE));
    expect(found).toBe(code);
    expect(it.accepted).toEqual([]);
  });

  test("is refused while the server drains", async () => {
    const it = world();
    it.lifecycle.startDraining();
    expect(await codeOf(it.ask("/login", UPGRADE))).toEqual([503, "draining"]);
  });

  test("that never was one is refused with what would mend it, and logged", async () => {
    const it = world();
    const answer = await it.ask("/login");
    expect(answer.status).toBe(426);
    expect((await answer.json()).fix.length).toBeGreaterThan(0);
    expect(it.log.of("handshake.failed")).toMatchObject([
      { path: "/login", address: "192.0.2.1", code: "websocket_expected" },
    ]);
  });

  test("that works here but not elsewhere is logged as odd", async () => {
    const it = world();
    await it.ask("/login", { ...UPGRADE, connection: '"Upgrade"' });
    expect(it.log.of("handshake.odd")).toMatchObject([
      { code: "connection_quoted", path: "/login", address: "192.0.2.1" },
    ]);
  });

  test("that is refused again and again is logged so often only, of each peer and cause", async () => {
    const it = world();
    for (let times = 0; times < 50; times += 1) await it.ask("/login");
    expect(it.log.of("handshake.failed")).toHaveLength(10);
    await it.ask("/login", { ...UPGRADE, "sec-websocket-version": "8" });
    expect(it.log.of("handshake.failed")).toHaveLength(11);
    for (let times = 0; times < 5; times += 1) {
      await it.ask("/login", { ...UPGRADE, connection: "close" });
    }
    expect(it.log.of("handshake.odd")).toHaveLength(1);
  });

  test("that the runtime refuses is answered as refused", async () => {
    const it = world({ upgrades: false });
    const answer = await it.ask("/login", UPGRADE);
    expect(answer.status).toBe(400);
    expect(it.log.of("handshake.failed")).toHaveLength(1);
  });
});
