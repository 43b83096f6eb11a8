import { describe, expect, test } from "bun:test";
import type { Greeting } from "../../../src/ws/socket-client.ts";
import {
  connect,
  DEVICE_42,
  gatewayWorld,
  LIMITS,
  NEWS,
  send,
  settled,
} from "../../support/gateway-world.ts";

const LISTENER: Greeting = { by: "request" };
const PING_FRAMES: Greeting = { by: "command", pingFrames: true };

describe("a client on /connection/uni_websocket", () => {
  test("begins with its first message, and gets bare pushes and both kinds of ping", async () => {
    const it = gatewayWorld();
    const { socket, handler } = connect(it, LISTENER);
    await send(handler, { token: "subscribed" });
    await it.publish(DEVICE_42, "1");
    expect(socket.replies).toEqual([
      {
        connect: {
          client: "uuid-2",
          version: "1.2.3",
          subs: { [DEVICE_42]: { recoverable: true, epoch: "epochone", positioned: true } },
          session: expect.stringContaining("token-1"),
          ping: 25,
        },
      },
      { channel: DEVICE_42, pub: { data: 1, offset: 1 } },
    ]);
    it.clock.advance(LIMITS.pingIntervalMs);
    expect(socket.frames.at(-1)).toBe("{}");
    expect(socket.pings).toBe(1);
  });

  test("begins with what its address says", async () => {
    const { socket, handler } = connect(gatewayWorld(), {
      by: "request",
      text: '{"token":"good"}',
    });
    await settled();
    expect(socket.replies).toMatchObject([{ connect: {} }]);
    await send(handler, { id: 1, subscribe: { channel: NEWS } });
    expect(socket.replies).toHaveLength(1);
    expect(socket.closed).toBeUndefined();
  });

  test.each([
    ["nonsense", 3501],
    ['{"token":"nonsense"}', 3500],
    ['{"token":"expired"}', 3005],
    ["null", 3501],
  ])("that says %j is closed with %d", async (text, code) => {
    const { socket, handler } = connect(gatewayWorld(), LISTENER);
    handler.message(text);
    await settled();
    expect(socket.closed).toMatchObject({ code });
    expect(socket.frames).toEqual([]);
  });

  test("that begins with a binary frame is closed with 3506", () => {
    const { socket, handler } = connect(gatewayWorld(), LISTENER);
    handler.message(undefined);
    expect(socket.closed).toMatchObject({ code: 3506 });
  });

  test("that says nothing is closed with 3502", () => {
    const it = gatewayWorld();
    const { socket } = connect(it, LISTENER);
    it.clock.advance(LIMITS.greetingTimeoutMs);
    expect(socket.closed).toMatchObject({ code: 3502 });
  });

  test("that sends more before it is let in is not disturbed by it", async () => {
    const { socket, handler } = connect(gatewayWorld(), LISTENER);
    handler.message('{"token":"good"}');
    handler.message('{"token":"good"}');
    await settled();
    expect(socket.replies).toMatchObject([{ connect: {} }]);
    expect(socket.closed).toBeUndefined();
  });

  test("stays while its socket answers pings, and is closed with 3012 when it does not", async () => {
    const it = gatewayWorld();
    const { socket, handler } = connect(it, LISTENER);
    await send(handler, { token: "good" });
    it.clock.advance(LIMITS.pingIntervalMs);
    handler.pong();
    it.clock.advance(LIMITS.pingIntervalMs);
    expect(socket.closed).toBeUndefined();
    it.clock.advance(LIMITS.pingIntervalMs);
    expect(socket.closed).toMatchObject({ code: 3012 });
  });

  test("stays while it says anything at all", async () => {
    const it = gatewayWorld();
    const { socket, handler } = connect(it, LISTENER);
    await send(handler, { token: "good" });
    for (let ping = 0; ping < 5; ping += 1) {
      it.clock.advance(LIMITS.pingIntervalMs);
      handler.message("still here");
    }
    expect(socket.closed).toBeUndefined();
  });

  test("is left alone where its socket cannot be pinged", async () => {
    const it = gatewayWorld({ nativePing: false });
    const { socket, handler } = connect(it, LISTENER);
    await send(handler, { token: "good" });
    for (let ping = 0; ping < 5; ping += 1) it.clock.advance(LIMITS.pingIntervalMs);
    expect(socket.closed).toBeUndefined();
  });
});

describe("a client that asked for ping frames", () => {
  const token = { id: 1, connect: { token: "good" } };

  test("is told of no pings and gets none in the protocol", async () => {
    const it = gatewayWorld();
    const { socket, handler } = connect(it, PING_FRAMES);
    await send(handler, token);
    expect(socket.replies).toEqual([
      { id: 1, connect: { client: expect.any(String), version: "1.2.3" } },
    ]);
    it.clock.advance(LIMITS.pingIntervalMs);
    handler.pong();
    it.clock.advance(LIMITS.pingIntervalMs);
    expect(socket.pings).toBe(2);
    expect(socket.frames).toHaveLength(1);
    expect(socket.closed).toBeUndefined();
    it.clock.advance(LIMITS.pongTimeoutMs);
    expect(socket.closed).toMatchObject({ code: 3012 });
  });

  test("gets those of the protocol where there are no frames, and need not answer", async () => {
    const it = gatewayWorld({ nativePing: false });
    const { socket, handler } = connect(it, PING_FRAMES);
    await send(handler, token);
    expect(socket.replies).toMatchObject([{ id: 1, connect: { ping: 25 } }]);
    expect(socket.frames[0]).not.toContain('"pong"');
    for (let ping = 0; ping < 5; ping += 1) it.clock.advance(LIMITS.pingIntervalMs);
    expect(socket.frames.at(-1)).toBe("{}");
    expect(socket.closed).toBeUndefined();
  });
});

describe("a client's headers", () => {
  test("of the handshake and of its own words reach the backend, the handshake's first", async () => {
    const seen: unknown[] = [];
    const it = gatewayWorld({
      backend: {
        async connect({ headers }) {
          seen.push(headers);
          return { error: { code: 403, message: "no", temporary: false } };
        },
      },
    });
    const headers = { cookie: "a=1" };
    const handler = it.gateway.accept(
      { remoteAddress: "192.0.2.1", headers },
      { by: "request", text: '{"headers":{"Cookie":"b=2","X-More":"3","X-Other":"4"}}' },
    );
    handler.open(connect(it).socket);
    await settled();
    expect(seen).toEqual([{ cookie: "a=1", "x-more": "3" }]);
  });
});
