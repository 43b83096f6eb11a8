import { describe, expect, test } from "bun:test";
import { Fault } from "../../../../src/core/faults.ts";
import type { Backend, SubscribeQuestion } from "../../../../src/core/ports/backend.ts";
import { connected, gatewayWorld, send } from "../../../support/gateway-world.ts";

const ASKED = { allowSubscribe: true, subscribeCallback: true, joinLeave: true, presence: true };

async function subscribing(it: ReturnType<typeof gatewayWorld>, request: object) {
  const link = await connected(it, "known");
  await send(link.handler, { id: 2, subscribe: request });
  return { ...link, reply: link.socket.replies[1] };
}

function worldThatAsks(subscribe: Backend["subscribe"], rules: object = {}) {
  const backend = subscribe === undefined ? {} : { subscribe };
  return gatewayWorld({ backend, namespaces: { asked: { ...ASKED, ...rules } } });
}

describe("a subscription token", () => {
  test.each([
    ["$chat:1 for all", undefined],
    ["nonsense", 103],
    ["late", 109],
  ])("%s is answered with the error %p", async (token, code) => {
    const { reply, socket } = await subscribing(gatewayWorld(), { channel: "$chat:1", token });
    if (code === undefined) expect(reply).toEqual({ id: 2, subscribe: {} });
    else expect(reply).toMatchObject({ id: 2, error: { code } });
    expect(socket.closed).toBeUndefined();
  });

  test("of another channel, user or client closes with 3500", async () => {
    const token = "$chat:2 for all";
    const { socket } = await subscribing(gatewayWorld(), { channel: "$chat:1", token });
    expect(socket.closed).toEqual({ code: 3500, reason: "invalid token" });
  });

  test("decides alone, also where the rules would let everyone in", async () => {
    const { reply } = await subscribing(gatewayWorld(), { channel: "chat:1", token: "nonsense" });
    expect(reply).toMatchObject({ error: { code: 103 } });
  });

  test("is checked for this channel, user and client", async () => {
    const targets: object[] = [];
    const it = gatewayWorld({
      tokens: {
        async verifySubscription(_, target) {
          targets.push(target);
          return {};
        },
      },
    });
    await subscribing(it, { channel: "$chat:1", token: "t" });
    expect(targets).toEqual([{ channel: "$chat:1", user: "anna", client: "uuid-1" }]);
  });

  test("brings its end, its data, its info and what it overrides", async () => {
    const it = gatewayWorld({
      tokens: {
        verifySubscription: async () => ({
          expiresAtMs: it.clock.nowMs() + 1_500,
          info: '{"seat":1}',
          data: '{"hello":1.0}',
          override: { forceRecovery: true, forcePushJoinLeave: true },
        }),
      },
    });
    const { socket } = await subscribing(it, { channel: "$chat:1", token: "t" });
    expect(socket.frames[1]).toBe(
      '{"id":2,"subscribe":{"expires":true,"ttl":2,"recoverable":true,"epoch":"epochone","positioned":true,"data":{"hello":1.0}}}',
    );
    expect(socket.replies[2]).toMatchObject({
      push: { join: { info: { conn_info: { name: "Anna" }, chan_info: { seat: 1 } } } },
    });
  });

  test("that nobody can check now is a temporary error, and is logged", async () => {
    const it = gatewayWorld({
      tokens: { verifySubscription: () => Promise.reject(new Fault("token_keys_unreachable")) },
    });
    const { reply } = await subscribing(it, { channel: "$chat:1", token: "t" });
    expect(reply).toMatchObject({ error: { code: 100, temporary: true } });
    expect(it.log.of("ws.unavailable")).toHaveLength(1);
  });

  test("is needed for a private channel", async () => {
    const { reply } = await subscribing(gatewayWorld(), { channel: "$chat:1" });
    expect(reply).toMatchObject({ error: { code: 103 } });
  });
});

describe("the backend, asked about a subscription", () => {
  test("is told who wants what, with the payload as it came", async () => {
    const questions: SubscribeQuestion[] = [];
    const it = worldThatAsks(async (question) => {
      questions.push(question);
      return { result: {} };
    });
    const { handler } = await connected(it, "known");
    handler.message('{"id":2,"subscribe":{"channel":"asked:1","data":{"n":1.0}}}');
    await send(handler, { id: 3, unsubscribe: { channel: "asked:1" } });
    expect(questions).toEqual([
      {
        client: "uuid-1",
        transport: "websocket",
        headers: {},
        user: "anna",
        meta: '{"tier":1}',
        channel: "asked:1",
        data: '{"n":1.0}',
      } as never,
    ]);
  });

  test("lets in on its own terms", async () => {
    const it = worldThatAsks(
      async () => ({
        result: {
          expiresAtMs: it.clock.nowMs() + 60_000,
          info: '{"seat":2}',
          data: "[1.0]",
          override: { presence: false, forceRecovery: true },
        },
      }),
      { retention: { sizeMax: 5, ttlMs: 60_000 } },
    );
    const { socket } = await subscribing(it, { channel: "asked:1" });
    expect(socket.frames[1]).toBe(
      '{"id":2,"subscribe":{"expires":true,"ttl":60,"recoverable":true,"epoch":"epochone","positioned":true,"data":[1.0]}}',
    );
    expect(it.presence.list("asked:1" as never)).toEqual([]);
  });

  test("refuses in its own words", async () => {
    const error = { code: 1000, message: "too young", temporary: false };
    const { socket } = await subscribing(
      worldThatAsks(async () => ({ error })),
      { channel: "asked:1" },
    );
    expect(socket.frames[1]).toBe('{"id":2,"error":{"code":1000,"message":"too young"}}');
  });

  test("ends the connection in its own words", async () => {
    const disconnect = { code: 4501, reason: "banned" };
    const { socket } = await subscribing(
      worldThatAsks(async () => ({ disconnect })),
      { channel: "asked:1" },
    );
    expect(socket.closed).toEqual(disconnect);
  });

  test("that says it is over already is answered with 110", async () => {
    const it = worldThatAsks(async () => ({ result: { expiresAtMs: it.clock.nowMs() } }));
    const { reply } = await subscribing(it, { channel: "asked:1" });
    expect(reply).toMatchObject({ error: { code: 110 } });
  });

  test.each([
    ["backend_unreachable", 100],
    ["backend_busy", 111],
  ] as const)("with %s is answered with %d", async (code, answered) => {
    const it = worldThatAsks(() => Promise.reject(new Fault(code)));
    const { reply } = await subscribing(it, { channel: "asked:1" });
    expect(reply).toMatchObject({ error: { code: answered, temporary: true } });
    expect(it.fanout.members("asked:1" as never)).toBe(0);
  });

  test("that is not there lets nobody in", async () => {
    const { reply } = await subscribing(worldThatAsks(undefined), { channel: "asked:1" });
    expect(reply).toMatchObject({ error: { code: 103 } });
  });

  test("is not asked about a token's holder", async () => {
    const it = worldThatAsks(() => Promise.reject(new Error("asked")));
    const { reply } = await subscribing(it, { channel: "asked:1", token: "asked:1 for all" });
    expect(reply).toMatchObject({ subscribe: {} });
  });
});
