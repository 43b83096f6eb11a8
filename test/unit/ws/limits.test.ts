import { describe, expect, test } from "bun:test";
import { decodeBareConnect } from "../../../src/protocol/client-frame.ts";
import type { Greeting } from "../../../src/ws/socket-client.ts";
import {
  connect,
  connected,
  gatewayWorld,
  LIMITS,
  login,
  NEWS,
  send,
  settled,
} from "../../support/gateway-world.ts";
import { HeldBody } from "../../support/held-body.ts";

test("a user whose clients send too much together has a command refused, and keeps its clients", async () => {
  const users: string[] = [];
  const userPace = { take: (user: string) => users.push(user) < 3 };
  const it = gatewayWorld({ userPace });
  const [one, other] = [await connected(it), await connected(it)];
  for (const { handler } of [one, other, one]) {
    await send(handler, { id: 7, unsubscribe: { channel: NEWS } });
  }
  expect(users).toEqual(["anna", "anna", "anna"]);
  expect(one.socket.frames.at(-1)).toContain('"code":111');
  expect(other.socket.frames.at(-1)).not.toContain("error");
  expect([one.socket.closed, other.socket.closed]).toEqual([undefined, undefined]);
});

const UNI: Greeting = { by: "request", text: '{"token":"good"}' };

describe("a user who has as many clients as it may", () => {
  const ofTwo = { limits: { clientsPerUser: 2 } };

  test("has its newest refused with 3504, and keeps the others", async () => {
    const it = gatewayWorld(ofTwo);
    const [first, second, third] = [await connected(it), await connected(it), await connected(it)];
    expect(third.socket.closed).toEqual({ code: 3504, reason: "connection limit" });
    expect(third.socket.frames).toEqual([]);
    expect([first.socket.closed, second.socket.closed]).toEqual([undefined, undefined]);
    expect(it.log.of("client.connected")).toHaveLength(2);
  });

  test("may connect again once one of them is gone", async () => {
    const it = gatewayWorld(ofTwo);
    const first = await connected(it);
    await connected(it);
    first.handler.close(1001, "");
    const third = await connected(it);
    expect(third.socket.closed).toBeUndefined();
  });

  test.each<readonly [string, Greeting]>([
    ["/login", login("good")],
    ["/connection/uni_websocket", UNI],
  ])("has a newcomer on %s refused with 3504 too", async (_, greeting) => {
    const it = gatewayWorld({ limits: { clientsPerUser: 1 } });
    await connected(it);
    const { socket } = connect(it, greeting);
    await settled();
    expect(socket.closed).toMatchObject({ code: 3504 });
  });

  test("has a newcomer on a held response refused with a push of 3504", async () => {
    const it = gatewayWorld({ limits: { clientsPerUser: 1 } });
    await connected(it);
    const body = new HeldBody(
      it.gateway.hold({
        peer: { remoteAddress: "192.0.2.1" },
        start: { transport: "uni_sse", connect: decodeBareConnect('{"token":"good"}') },
        onClosing() {},
      }),
    );
    body.run();
    await settled();
    expect(body.messages).toEqual([{ disconnect: { code: 3504, reason: "connection limit" } }]);
    expect(body.hasEnded).toBe(true);
  });

  test("leaves nothing open for who is refused while its channels load", async () => {
    const it = gatewayWorld({ limits: { clientsPerUser: 1 } });
    const release = it.streams.holdHistory();
    const first = connect(it);
    const second = connect(it);
    await send(first.handler, { id: 1, connect: { token: "subscribed" } });
    await send(second.handler, { id: 1, connect: { token: "subscribed" } });
    release();
    await settled();
    const closed = [first, second].map(({ socket }) => socket.closed?.code);
    expect(closed.toSorted()).toEqual([3504, undefined]);
    expect(it.registry.ofUser("anna")).toHaveLength(1);
  });

  test("does not count others, nor who is not signed in", async () => {
    const it = gatewayWorld({ limits: { clientsPerUser: 1 } });
    const clients = [
      await connected(it, "good"),
      await connected(it, "bob"),
      await connected(it, "anonymous"),
      await connected(it, "anonymous"),
    ];
    expect(clients.map(({ socket }) => socket.closed)).toEqual(clients.map(() => undefined));
  });

  test("has its oldest replaced with 4500 where that is configured", async () => {
    const it = gatewayWorld({ ...ofTwo, onUserLimit: "replace" });
    const [first, second] = [await connected(it), await connected(it)];
    const third = await connected(it);
    expect(first.socket.closed).toEqual({ code: 4500, reason: "replaced" });
    expect([second.socket.closed, third.socket.closed]).toEqual([undefined, undefined]);
    const fourth = await connected(it);
    expect(second.socket.closed).toMatchObject({ code: 4500 });
    expect([third.socket.closed, fourth.socket.closed]).toEqual([undefined, undefined]);
  });

  test("has nobody replaced by one who could not be told that it is in", async () => {
    const it = gatewayWorld({ limits: { clientsPerUser: 1 }, onUserLimit: "replace" });
    const first = await connected(it);
    const second = connect(it);
    second.socket.buffered = LIMITS.queueMaxBytes + 1;
    await send(second.handler, { id: 1, connect: { token: "good" } });
    expect(second.socket.closed).toMatchObject({ code: 3008 });
    expect(first.socket.closed).toBeUndefined();
  });
});

describe("a client that sends commands too fast", () => {
  const PACE = { limits: { commandsPerSecond: 10, commandsBurst: 3 } };
  const TOO_MANY = { code: 111, message: "too many requests", temporary: true };

  function unsubscribes(count: number, firstId: number) {
    return Array.from({ length: count }, (_, n) => ({
      id: firstId + n,
      unsubscribe: { channel: NEWS },
    }));
  }

  test("gets error 111 for those above its rate, in their order, and goes on", async () => {
    const it = gatewayWorld(PACE);
    const { socket, handler } = await connected(it);
    await send(handler, ...unsubscribes(5, 2));
    expect(socket.replies.slice(1)).toEqual([
      { id: 2, unsubscribe: {} },
      { id: 3, unsubscribe: {} },
      { id: 4, unsubscribe: {} },
      { id: 5, error: TOO_MANY },
      { id: 6, error: TOO_MANY },
    ]);
    it.clock.advance(200);
    await send(handler, ...unsubscribes(3, 7));
    expect(socket.replies.slice(6)).toEqual([
      { id: 7, unsubscribe: {} },
      { id: 8, unsubscribe: {} },
      { id: 9, error: TOO_MANY },
    ]);
    expect(socket.closed).toBeUndefined();
  });

  test("does not pay for its connect", async () => {
    const it = gatewayWorld(PACE);
    const { socket, handler } = connect(it);
    await send(handler, { id: 1, connect: { token: "good" } }, ...unsubscribes(3, 2));
    expect(socket.replies.slice(1)).toEqual([2, 3, 4].map((id) => ({ id, unsubscribe: {} })));
  });

  test("is closed with 3013 when it does not stop", async () => {
    const it = gatewayWorld(PACE);
    const { socket, handler } = await connected(it);
    for (let id = 2; id < 8; id += 1) await send(handler, ...unsubscribes(1, id));
    expect(socket.closed).toBeUndefined();
    await send(handler, ...unsubscribes(1, 8));
    expect(socket.closed).toEqual({ code: 3013, reason: "too many requests" });
    expect(socket.replies).toHaveLength(7);
  });

  test("is closed with 3013 when its messages without an id do not stop", async () => {
    const it = gatewayWorld({ ...PACE, backend: {} });
    const { socket, handler } = connect(it, login("good"));
    await settled();
    for (let sent = 0; sent < 6; sent += 1) handler.message("hi");
    expect(socket.frames.slice(1)).toEqual(["reply", "reply", "reply"]);
    expect(socket.closed).toBeUndefined();
    handler.message("hi");
    expect(socket.closed).toMatchObject({ code: 3013 });
    expect(it.log.of("client.message")).toHaveLength(3);
  });

  test("does not slow down others", async () => {
    const it = gatewayWorld(PACE);
    const hasty = await connected(it);
    const calm = await connected(it);
    await send(hasty.handler, ...unsubscribes(6, 2));
    await send(calm.handler, ...unsubscribes(3, 2));
    expect(calm.socket.replies.slice(1)).toEqual([2, 3, 4].map((id) => ({ id, unsubscribe: {} })));
  });

  test("is closed with 3013 at once when more waits than may ever run", async () => {
    const it = gatewayWorld({ limits: { ...PACE.limits, frameMaxBytes: 1000 } });
    const { socket, handler } = await connected(it);
    const release = it.streams.holdHistory();
    await send(handler, { id: 2, subscribe: { channel: "device:42" } });
    const long = { id: 3, unsubscribe: { channel: "x".repeat(900) } };
    for (let frame = 0; frame < 5; frame += 1) await send(handler, long);
    expect(socket.closed).toBeUndefined();
    await send(handler, ...unsubscribes(2, 4));
    expect(socket.closed).toMatchObject({ code: 3013 });
    release();
    await settled();
    expect(socket.frames).toHaveLength(1);
  });
});

describe("the name of a channel", () => {
  const SHORT = { limits: { channelMaxChars: 71, commandsBurst: 300 } };
  const LONGEST = "news:".padEnd(71, "x");

  test.each(["subscribe", "publish", "presence", "presence_stats", "history", "sub_refresh"])(
    "may be as long as configured in %s, and gets error 107 when it is longer",
    async (method) => {
      const { socket, handler } = await connected(gatewayWorld(SHORT));
      const rest = method === "sub_refresh" ? { token: "t" } : {};
      const asked = (channel: string) => ({ [method]: { channel, data: 1, ...rest } });
      await send(handler, { id: 2, ...asked(LONGEST) }, { id: 3, ...asked(`${LONGEST}x`) });
      expect(socket.replies.find(hasId(2))).not.toMatchObject({ error: { code: 107 } });
      expect(socket.replies.find(hasId(3))).toMatchObject({ error: { code: 107 } });
    },
  );

  test("may be as long as configured for a client that only listens, which is closed otherwise", async () => {
    const closedWith = async (channel: string) => {
      const text = JSON.stringify({ token: "good", subs: { [channel]: {} } });
      const { socket } = connect(gatewayWorld(SHORT), { by: "request", text });
      await settled();
      return socket.closed?.code;
    };
    expect(await closedWith(LONGEST)).toBeUndefined();
    expect(await closedWith(`${LONGEST}x`)).toBe(3004);
  });
});

describe("a client that lost a frame", () => {
  test("is evicted before the host can cut it off, so that the log knows why", async () => {
    const it = gatewayWorld();
    const slow = await connected(it);
    const quick = await connected(it);
    slow.socket.buffered = 3 * LIMITS.queueMaxBytes;
    for (let frame = 0; frame < 3; frame += 1) it.gateway.onBackpressure("dropped");
    expect(slow.socket.closed).toBeUndefined();
    await settled();
    expect(slow.socket.closed).toMatchObject({ code: 3008 });
    expect(quick.socket.closed).toBeUndefined();
    expect(it.log.of("client.slow")).toHaveLength(1);
    expect(it.log.of("client.disconnected")).toMatchObject([{ by: "server", code: 3008 }]);
  });
});

function hasId(id: number) {
  return (reply: unknown) => (reply as { readonly id?: number }).id === id;
}

describe("a client's frame", () => {
  const SMALL = { limits: { frameMaxBytes: 100 } };

  test.each<readonly [string, Greeting]>([
    ["/connection/websocket", { by: "command" }],
    ["/login", login("good")],
    ["/connection/uni_websocket", { by: "request" }],
  ])("closes %s with 1009 when it weighs more than it may", async (_, greeting) => {
    const it = gatewayWorld(SMALL);
    const { socket, handler } = connect(it, greeting);
    await settled();
    handler.message(`{"id":1,"connect":{"name":"${"é".repeat(40)}"}}`);
    expect(socket.closed).toMatchObject({ code: 1009 });
    expect(it.log.of("client.disconnected")).toMatchObject([{ by: "server", code: 1009 }]);
  });

  test("may weigh all that it may", async () => {
    const { socket, handler } = connect(gatewayWorld(SMALL));
    handler.message('{"id":1,"connect":{"token":"good"}}'.padEnd(100, " "));
    await settled();
    expect(socket.replies).toMatchObject([{ id: 1, connect: {} }]);
  });
});
