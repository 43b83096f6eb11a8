import { describe, expect, test } from "bun:test";
import type { Greeting } from "../../../src/ws/socket-client.ts";
import {
  connect,
  connected,
  DEVICE_42,
  gatewayWorld,
  LIMITS,
  login,
  NEWS,
  send,
  settled,
} from "../../support/gateway-world.ts";

describe("a client on /connection/websocket", () => {
  test("is told its id, the version and how pings work", async () => {
    const { socket } = await connected(gatewayWorld());
    expect(socket.replies).toEqual([
      { id: 1, connect: { client: "uuid-1", version: "1.2.3", ping: 25, pong: true } },
    ]);
  });

  test("is told when its token ends", async () => {
    const { socket } = await connected(gatewayWorld(), "brief");
    expect(socket.replies[0]).toMatchObject({ connect: { expires: true, ttl: 60 } });
  });

  test("is closed some time after its token ended", async () => {
    const it = gatewayWorld();
    const { socket, handler } = await connected(it, "brief");
    for (let second = 0; second < 84; second += 1) {
      it.clock.advance(1000);
      if (socket.frames.at(-1) === "{}") handler.message("{}");
      socket.frames.push("answered");
    }
    expect(socket.closed).toBeUndefined();
    it.clock.advance(1000);
    expect(socket.closed).toEqual({ code: 3005, reason: "connection expired" });
  });

  test.each([
    ["", 3501],
    ["nonsense", 3500],
  ])("with the token %j is closed with %d", async (token, code) => {
    const { socket } = await connected(gatewayWorld(), token);
    expect(socket.closed).toMatchObject({ code });
    expect(socket.frames).toEqual([]);
  });

  test("with an expired token gets error 109, and its next command closes it", async () => {
    const { socket, handler } = await connected(gatewayWorld(), "expired");
    expect(socket.replies).toEqual([{ id: 1, error: { code: 109, message: "token expired" } }]);
    expect(socket.closed).toBeUndefined();
    await send(handler, { id: 2, connect: { token: "good" } });
    expect(socket.closed).toMatchObject({ code: 3501 });
  });

  test("with an expired token is closed with 3502 when it does not leave", async () => {
    const it = gatewayWorld();
    const { socket } = await connected(it, "expired");
    it.clock.advance(4_999);
    expect(socket.closed).toBeUndefined();
    it.clock.advance(1);
    expect(socket.closed).toMatchObject({ code: 3502 });
  });

  test("with an expired token is not closed for what it sent along with it", async () => {
    const { socket, handler } = connect(gatewayWorld());
    const subscribe = { id: 2, subscribe: { channel: DEVICE_42 } };
    await send(handler, { id: 1, connect: { token: "expired" } }, subscribe);
    expect(socket.replies).toHaveLength(1);
    expect(socket.closed).toBeUndefined();
  });

  test("gets its answers in order when it sends connect and subscribe at once", async () => {
    const { socket, handler } = connect(gatewayWorld());
    const subscribe = { id: 2, subscribe: { channel: DEVICE_42 } };
    await send(handler, { id: 1, connect: { token: "good" } }, subscribe);
    expect(socket.replies).toMatchObject([
      { id: 1, connect: {} },
      { id: 2, subscribe: { recoverable: true, epoch: "epochone", positioned: true } },
    ]);
  });

  test("is subscribed to its token's channels from the start", async () => {
    const it = gatewayWorld();
    await it.publish(DEVICE_42, "1");
    const { socket } = await connected(it, "subscribed");
    expect(socket.replies[0]).toMatchObject({
      connect: { subs: { [DEVICE_42]: { recoverable: true, offset: 1 } } },
    });
    expect([...socket.topics]).toEqual([DEVICE_42]);
  });

  test("recovers its token's channels when connect names a position", async () => {
    const it = gatewayWorld();
    await it.publish(DEVICE_42, "1");
    await it.publish(DEVICE_42, "2.0");
    const { socket, handler } = connect(it);
    const subs = { [DEVICE_42]: { recover: true, epoch: "epochone", offset: 1 } };
    await send(handler, { id: 1, connect: { token: "subscribed", subs } });
    expect(socket.frames[0]).toContain('"recovered":true');
    expect(socket.frames[0]).toContain('"publications":[{"data":2.0,"offset":2}]');
  });

  test("gets error 102 when its token names a channel of no namespace", async () => {
    const { socket } = await connected(gatewayWorld(), "astray");
    expect(socket.replies).toMatchObject([{ id: 1, error: { code: 102 } }]);
  });

  test("is closed with 3505 when its token names too many channels", async () => {
    const { socket } = await connected(gatewayWorld(), "greedy");
    expect(socket.closed).toMatchObject({ code: 3505 });
  });

  test("is closed with 3502 when it does not connect in time", () => {
    const it = gatewayWorld();
    const { socket } = connect(it);
    it.clock.advance(LIMITS.greetingTimeoutMs);
    expect(socket.closed).toMatchObject({ code: 3502 });
  });

  test("is closed with 3506 when it sends a binary frame", async () => {
    const { socket, handler } = await connected(gatewayWorld());
    handler.message(undefined);
    expect(socket.closed).toMatchObject({ code: 3506 });
  });

  test("is closed with 3013 when it sends more commands at once than may wait", async () => {
    const { socket, handler } = await connected(gatewayWorld());
    const commands = Array.from({ length: 300 }, (_, n) => ({
      id: n + 2,
      unsubscribe: { channel: "a" },
    }));
    await send(handler, ...commands);
    expect(socket.closed).toMatchObject({ code: 3013 });
  });
});

describe("subscribe", () => {
  test.each([
    ["nowhere:1", 102],
    ["device:7", 103],
    ["private", 103],
    ["bad channel", 107],
    ["x".repeat(256), 107],
  ])("to %s is refused with %d", async (channel, code) => {
    const { socket, handler } = await connected(gatewayWorld());
    await send(handler, { id: 2, subscribe: { channel } });
    expect(socket.replies[1]).toMatchObject({ id: 2, error: { code } });
    expect(socket.topics.size).toBe(0);
  });

  test("is refused with 105 the second time", async () => {
    const { socket, handler } = await connected(gatewayWorld());
    const channel = DEVICE_42;
    await send(handler, { id: 2, subscribe: { channel } }, { id: 3, subscribe: { channel } });
    expect(socket.replies[2]).toMatchObject({ id: 3, error: { code: 105 } });
  });

  test("is refused with 106 when it would be one channel too many", async () => {
    const { socket, handler } = await connected(gatewayWorld());
    const commands = [1, 2, 3, 4].map((n) => ({ id: n + 1, subscribe: { channel: `news:${n}` } }));
    await send(handler, ...commands);
    expect(socket.replies[4]).toMatchObject({ id: 5, error: { code: 106 } });
  });

  test("leaves out positions where the channel keeps nothing", async () => {
    const { socket, handler } = await connected(gatewayWorld());
    await send(handler, { id: 2, subscribe: { channel: NEWS } });
    expect(socket.frames[1]).toBe('{"id":2,"subscribe":{}}');
  });

  test("tells what was missed, then what is new, without gap or duplicate", async () => {
    const it = gatewayWorld();
    await it.publish(DEVICE_42, "1");
    await it.publish(DEVICE_42, "2");
    const { socket, handler } = await connected(it);
    const release = it.streams.holdHistory();
    await send(handler, {
      id: 2,
      subscribe: { channel: DEVICE_42, recover: true, epoch: "epochone", offset: 1 },
    });
    await it.publish(DEVICE_42, "3");
    expect(socket.frames).toHaveLength(1);
    release();
    await settled();
    expect(socket.replies[1]).toMatchObject({
      subscribe: { recovered: true, offset: 1, publications: [{ data: 2 }, { data: 3 }] },
    });
    expect([...socket.topics]).toEqual([DEVICE_42]);
  });

  test("fails with 112 instead of recovered: false for a client that asked for it", async () => {
    const { socket, handler } = await connected(gatewayWorld());
    const recover = { channel: DEVICE_42, recover: true, epoch: "otherone", offset: 1 };
    await send(handler, { id: 2, subscribe: { ...recover, flag: 2 } });
    expect(socket.replies[1]).toMatchObject({ error: { code: 112 } });
    await send(handler, { id: 3, subscribe: recover });
    expect(socket.replies[2]).toMatchObject({ id: 3, subscribe: { was_recovering: true } });
  });

  test("closes with 3010 when the stream's epoch changes while it loads", async () => {
    const it = gatewayWorld();
    await it.publish(DEVICE_42, "1");
    const { socket, handler } = await connected(it);
    const release = it.streams.holdHistory();
    await send(handler, { id: 2, subscribe: { channel: DEVICE_42 } });
    it.streams.forget(DEVICE_42);
    await it.publish(DEVICE_42, "2");
    release();
    await settled();
    expect(socket.closed).toMatchObject({ code: 3010 });
  });

  test("answers 100 and logs a bug when the store fails unexpectedly", async () => {
    const it = gatewayWorld();
    const { socket, handler } = await connected(it);
    it.streams.history = () => Promise.reject(new Error("secret detail"));
    await send(handler, { id: 2, subscribe: { channel: DEVICE_42 } });
    expect(socket.replies[1]).toEqual({
      id: 2,
      error: { code: 100, message: "internal server error", temporary: true },
    });
    expect(it.log.of("ws.bug")).toHaveLength(1);
  });

  test("is undone by unsubscribe, which is no error the second time", async () => {
    const { socket, handler } = await connected(gatewayWorld());
    const unsubscribe = { channel: DEVICE_42 };
    await send(
      handler,
      { id: 2, subscribe: { channel: DEVICE_42 } },
      { id: 3, unsubscribe },
      { id: 4, unsubscribe },
    );
    expect(socket.frames.slice(2)).toEqual([
      '{"id":3,"unsubscribe":{}}',
      '{"id":4,"unsubscribe":{}}',
    ]);
    expect(socket.topics.size).toBe(0);
  });
});

describe("a client on /login", () => {
  test("is greeted with the connect push and its devices' channels", async () => {
    const it = gatewayWorld();
    await it.publish(DEVICE_42, "1");
    const { socket } = connect(it, login("good"));
    await settled();
    expect(socket.replies).toMatchObject([
      { push: { connect: { client: "uuid-1", ping: 25, subs: { [DEVICE_42]: { offset: 1 } } } } },
    ]);
    expect(socket.frames[0]).not.toContain('"pong"');
    expect([...socket.topics]).toEqual([DEVICE_42]);
  });

  test("without credentials is a visitor who can subscribe to nothing", async () => {
    const { socket, handler } = connect(gatewayWorld(), login());
    await settled();
    await send(handler, { id: 1, subscribe: { channel: NEWS } });
    expect(socket.replies).toMatchObject([
      { push: { connect: {} } },
      { id: 1, error: { code: 103 } },
    ]);
  });

  test("without credentials is closed with 3501 where visitors are not welcome", async () => {
    const greeting: Greeting = {
      by: "handshake",
      reply: "",
      connect: { token: "", visitors: false, devices: [], withStates: false, sinceOf: () => [] },
    };
    const { socket } = connect(gatewayWorld(), greeting);
    await settled();
    expect(socket.closed).toMatchObject({ code: 3501 });
  });

  test.each([
    ["expired", 3005],
    ["nonsense", 3500],
    ["greedy", 3505],
  ])("with the token %s is closed with %d", async (token, code) => {
    const { socket } = connect(gatewayWorld(), login(token));
    await settled();
    expect(socket.closed).toMatchObject({ code });
  });

  test("gets the reply for text that is no JSON object", async () => {
    const it = gatewayWorld();
    const { socket, handler } = connect(it, login());
    await settled();
    handler.message("hi");
    expect(socket.frames.at(-1)).toBe("reply");
    expect(it.log.of("client.message")).toEqual([{ client: "uuid-1", chars: 2, reply: "reply" }]);
  });

  test("stays while it shows any sign of life, and is closed with 3012 without one", async () => {
    const it = gatewayWorld();
    const { socket, handler } = connect(it, login("good"));
    await settled();
    it.clock.advance(LIMITS.pingIntervalMs);
    expect(socket.pings).toBe(1);
    handler.pong();
    it.clock.advance(LIMITS.pingIntervalMs);
    expect(socket.closed).toBeUndefined();
    it.clock.advance(LIMITS.pingIntervalMs);
    expect(socket.closed).toMatchObject({ code: 3012 });
  });
});

describe("pings", () => {
  test("are answered each by one pong, and a missing one closes with 3012", async () => {
    const it = gatewayWorld();
    const { socket, handler } = await connected(it);
    it.clock.advance(LIMITS.pingIntervalMs);
    expect(socket.frames.at(-1)).toBe("{}");
    handler.message("{}");
    it.clock.advance(LIMITS.pingIntervalMs);
    expect(socket.closed).toBeUndefined();
    it.clock.advance(LIMITS.pongTimeoutMs);
    expect(socket.closed).toMatchObject({ code: 3012 });
  });
});

describe("the gateway", () => {
  test("forgets a lost client with its timers and memberships", async () => {
    const it = gatewayWorld();
    const { handler } = await connected(it, "subscribed");
    expect(it.fanout.members(DEVICE_42)).toBe(1);
    handler.close(1006, "");
    expect(it.fanout.members(DEVICE_42)).toBe(0);
    expect(it.registry.size).toBe(0);
    expect(it.clock.pending).toBe(0);
    expect(it.log.of("client.disconnected")).toMatchObject([
      { user: "anna", code: 1006, by: "client" },
    ]);
  });

  test("cuts off a peer that never answers the closing handshake", async () => {
    const it = gatewayWorld();
    const { socket, handler } = await connected(it);
    handler.message("nonsense");
    expect(socket.closed).toMatchObject({ code: 3501 });
    it.clock.advance(5_000);
    expect(socket.isTerminated).toBe(true);
  });

  test("evicts a client with 3008 when a frame finds its queue full", async () => {
    const it = gatewayWorld();
    const { socket, handler } = await connected(it);
    socket.buffered = LIMITS.queueMaxBytes + 1;
    await send(handler, { id: 2, subscribe: { channel: NEWS } });
    expect(socket.closed).toMatchObject({ code: 3008 });
  });

  test("finds and evicts the slow one when the fan-out meets backpressure", async () => {
    const it = gatewayWorld();
    const slow = await connected(it);
    const quick = await connected(it);
    slow.socket.buffered = LIMITS.queueMaxBytes + 1;
    it.gateway.onBackpressure("queued");
    it.clock.advance(250);
    expect(slow.socket.closed).toMatchObject({ code: 3008 });
    expect(quick.socket.closed).toBeUndefined();
    expect(it.log.of("client.slow")).toHaveLength(1);
  });

  test("drains with 4002, a time to return, and waits for the last socket", async () => {
    const it = gatewayWorld();
    const { socket, handler } = await connected(it);
    let isDrained = false;
    const drained = it.gateway.drain(10_000).then(() => {
      isDrained = true;
    });
    await settled();
    expect(socket.closed).toEqual({
      code: 4002,
      reason: '{"reason":"draining","reconnect":true,"retry_after_ms":5000}',
    });
    expect(isDrained).toBe(false);
    handler.close(4002, "");
    await drained;
  });
});

describe("a wish on /login to hear devices", () => {
  const wishing: Greeting = {
    by: "handshake",
    reply: "",
    connect: { token: "", visitors: true, devices: ["42"], withStates: false, sinceOf: () => [] },
  };

  test("is enough where everything is allowed", async () => {
    const { socket } = connect(gatewayWorld({ unrestricted: true }), wishing);
    await settled();
    expect([...socket.topics]).toEqual([DEVICE_42]);
  });

  test("gives nobody anything elsewhere", async () => {
    const { socket } = connect(gatewayWorld(), wishing);
    await settled();
    expect(socket.topics.size).toBe(0);
  });
});

describe("a server that takes its time", () => {
  const slowly = () => ({ connect: () => new Promise<never>(() => {}) });

  test("does not blame the client for it: 3502 is final", async () => {
    const it = gatewayWorld({ backend: slowly() });
    const { socket } = await connected(it, "");
    it.clock.advance(LIMITS.greetingTimeoutMs);
    expect(socket.closed).toBeUndefined();
  });

  test("gives up with 3004, after which the client comes back", async () => {
    const it = gatewayWorld({ backend: slowly() });
    const { socket } = connect(it, login());
    await settled();
    it.clock.advance(60_000);
    expect(socket.closed).toMatchObject({ code: 3004 });
  });

  test("sends the connect push first, whatever the client says before it", async () => {
    const { socket, handler } = connect(gatewayWorld(), login());
    handler.message("hi");
    await settled();
    expect(socket.frames[0]).toContain('"connect"');
    expect(socket.frames[1]).toBe("reply");
  });

  test("holds only so much of what comes before its connect push", async () => {
    const it = gatewayWorld({ backend: slowly() });
    const { socket, handler } = connect(it, login());
    for (let n = 0; n < 17; n += 1) handler.message("hi");
    expect(socket.closed).toMatchObject({ code: 3013 });
  });
});
