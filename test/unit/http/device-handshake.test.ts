import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { Fault } from "../../../src/core/faults.ts";
import type { RequestInfo } from "../../../src/core/ports/host.ts";
import { UNCOUNTED } from "../../../src/core/uncounted.ts";
import type { App, Caller } from "../../../src/http/app-env.ts";
import { createEntry } from "../../../src/http/entry.ts";
import { createLifecycle } from "../../../src/http/lifecycle.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const STREAM = "/v1/devices/kiosk/commands/stream";
const HOST = { host: "posthorn.test" };
const UPGRADE = {
  ...HOST,
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
};

function world({ rateIsOver = false } = {}) {
  const log = new RecordingLog();
  const routed: string[] = [];
  const app: App = new Hono<{ Bindings: Caller }>();
  app.all("*", (c) => {
    routed.push(`${c.req.path} ${c.req.header("upgrade") ?? "plain"}`);
    return c.text("routed");
  });
  const entry = createEntry({
    metrics: UNCOUNTED,
    app,
    log,
    lifecycle: createLifecycle(),
    clock: new FakeClock(),
    clientHeaders: { current: [] },
    login: { reply: "", visitors: true },
    gate: {
      checkOrigin() {},
      checkRate() {
        if (rateIsOver) throw new Fault("connection_rate_exceeded");
      },
      checkRoom() {},
    },
    gateway: {
      accept() {
        throw new Error("Cannot accept a device as a client");
      },
    },
  });
  const info: RequestInfo = {
    remoteAddress: "192.0.2.1",
    holdOpen: () => () => undefined,
    upgrade: () => false,
  };
  const ask = async (path: string, headers: Record<string, string>, method = "GET") => {
    const request = new Request(`http://posthorn.test${path}`, { headers, method });
    return (await entry(request, info)).status;
  };
  return { ask, log, routed };
}

describe("a request to the path of a device's stream", () => {
  test("goes to its route, be it plain or a good handshake", async () => {
    const { ask, routed } = world();
    expect(await ask(STREAM, HOST)).toBe(200);
    expect(await ask(STREAM, UPGRADE)).toBe(200);
    expect(routed).toEqual([`${STREAM} plain`, `${STREAM} websocket`]);
  });

  test.each([
    ["a proxy stripped Upgrade", 426, { "sec-websocket-key": UPGRADE["sec-websocket-key"] }],
    ["it has no key", 400, { connection: "Upgrade", upgrade: "websocket" }],
    ["it speaks another version", 426, { ...UPGRADE, "sec-websocket-version": "8" }],
  ])("is refused where %s, before its route", async (_, status, headers) => {
    const { ask, routed, log } = world();
    expect(await ask(STREAM, { ...HOST, ...headers })).toBe(status);
    expect(routed).toEqual([]);
    expect(log.of("handshake.failed")).toHaveLength(1);
  });

  test("tells of a handshake that other servers would refuse", async () => {
    const { ask, log } = world();
    const { connection: _, ...headers } = UPGRADE;
    expect(await ask(STREAM, headers)).toBe(200);
    expect(log.of("handshake.odd")).toMatchObject([{ path: STREAM }]);
  });

  test("is refused when its address comes too often", async () => {
    const { ask, routed } = world({ rateIsOver: true });
    expect(await ask(STREAM, UPGRADE)).toBe(429);
    expect(routed).toEqual([]);
  });

  test.each(["/v1/devices/a/b/commands/stream", "/v1/devices/a/commands/stream/b"])(
    "is no handshake on %s",
    async (path) => {
      expect(await world().ask(path, UPGRADE)).toBe(404);
    },
  );
});
