import { describe, expect, test } from "bun:test";
import { type Channel, parseChannel } from "../../../src/core/channel.ts";
import type { SubscriptionPlan } from "../../../src/ws/subscription.ts";
import {
  clientOf,
  connected,
  type GatewayWorld,
  gatewayWorld,
  namespaceRules,
} from "../../support/gateway-world.ts";

const CHAT = parseChannel("chat:1");
const START = { epoch: "epochone", offset: 0 };
const GRACE_MS = 25_000;

function planOf(more: Partial<SubscriptionPlan> = {}): SubscriptionPlan {
  return {
    channel: CHAT,
    rules: namespaceRules({}),
    by: "client",
    recoverable: true,
    positioned: true,
    joinLeave: false,
    announced: false,
    presence: false,
    delta: false,
    ...more,
  };
}

async function admitted(it: GatewayWorld, token = "known") {
  const link = await connected(it, token);
  const client = clientOf(it);
  link.socket.frames.length = 0;
  return { ...link, client, subscriptions: client.subscriptions };
}

/** Answers pings, so that only what is tested can end the connection. */
function advance(it: GatewayWorld, link: Awaited<ReturnType<typeof admitted>>, ms: number): void {
  for (let left = ms; left > 0; left -= 1_000) {
    it.clock.advance(Math.min(left, 1_000));
    if (link.socket.frames.at(-1) === "{}") {
      link.socket.frames.pop();
      link.handler.message("{}");
    }
  }
}

describe("ClientSubscriptions.enter()", () => {
  test("joins the fan-out", async () => {
    const it = gatewayWorld();
    const { subscriptions, socket } = await admitted(it);
    subscriptions.enter(planOf(), START);
    expect(subscriptions.channels()).toEqual([CHAT]);
    expect(subscriptions.size).toBe(1);
    expect(it.fanout.members(CHAT)).toBe(1);
    await it.publish(CHAT, "1");
    expect(socket.replies).toEqual([{ push: { channel: CHAT, pub: { data: 1, offset: 1 } } }]);
  });

  test("shows the client in presence with all that is known of it", async () => {
    const it = gatewayWorld();
    const { subscriptions } = await admitted(it);
    subscriptions.enter(planOf({ presence: true, info: '{"seat":1}' }), START);
    expect(it.presence.list(CHAT)).toEqual([
      { user: "anna", client: "uuid-1", connInfo: '{"name":"Anna"}', chanInfo: '{"seat":1}' },
    ]);
    subscriptions.leave(CHAT);
    expect(it.presence.list(CHAT)).toEqual([]);
  });

  test("does not show who is not to be seen", async () => {
    const it = gatewayWorld();
    const { subscriptions, socket } = await admitted(it);
    subscriptions.enter(planOf({ joinLeave: true }), START);
    subscriptions.leave(CHAT);
    expect(it.presence.list(CHAT)).toEqual([]);
    expect(socket.frames).toEqual([]);
  });

  test("announces the client, to itself as well when it asks", async () => {
    const it = gatewayWorld();
    const { subscriptions, socket } = await admitted(it);
    subscriptions.enter(planOf({ joinLeave: true, announced: true }), START);
    expect(socket.replies).toEqual([
      {
        push: {
          channel: CHAT,
          join: { info: { user: "anna", client: "uuid-1", conn_info: { name: "Anna" } } },
        },
      },
    ]);
  });

  test("does nothing for a client that is gone", async () => {
    const it = gatewayWorld();
    const { subscriptions, handler } = await admitted(it);
    handler.close(1006, "");
    subscriptions.enter(planOf({ presence: true, expiresAtMs: it.clock.nowMs() + 1 }), START);
    expect(subscriptions.size).toBe(0);
    expect(it.fanout.members(CHAT)).toBe(0);
    expect(it.presence.list(CHAT)).toEqual([]);
    expect(it.clock.pending).toBe(0);
  });
});

describe("ClientSubscriptions.leave() and end()", () => {
  test("leave() says false where there is nothing to leave", async () => {
    const { subscriptions } = await admitted(gatewayWorld());
    expect(subscriptions.leave(CHAT)).toBe(false);
  });

  test("leave() tells those who stay, not the one who leaves", async () => {
    const it = gatewayWorld();
    const { subscriptions, socket } = await admitted(it);
    const other = await connected(it, "bob");
    other.socket.frames.length = 0;
    clientOf(it, "uuid-2").subscriptions.enter(planOf({ joinLeave: true }), START);
    subscriptions.enter(planOf({ joinLeave: true, announced: true }), START);
    socket.frames.length = 0;
    expect(subscriptions.leave(CHAT)).toBe(true);
    expect(other.socket.frames[1]).toContain('"leave":{"info":{"user":"anna"');
    expect(socket.frames).toEqual([]);
  });

  test("end() tells the client why", async () => {
    const it = gatewayWorld();
    const { subscriptions, socket } = await admitted(it);
    subscriptions.enter(planOf(), START);
    subscriptions.end(CHAT, { code: 2000, reason: "server unsubscribe" });
    subscriptions.end(CHAT, { code: 2000, reason: "server unsubscribe" });
    expect(socket.replies).toEqual([
      { push: { channel: CHAT, unsubscribe: { code: 2000, reason: "server unsubscribe" } } },
    ]);
    expect(it.fanout.members(CHAT)).toBe(0);
  });

  test("a lost connection leaves everything", async () => {
    const it = gatewayWorld();
    const { subscriptions, handler } = await admitted(it);
    const channels: readonly Channel[] = [CHAT, parseChannel("chat:2")];
    for (const channel of channels) subscriptions.enter(planOf({ channel, presence: true }), START);
    handler.close(1006, "");
    expect(channels.map((channel) => it.fanout.members(channel))).toEqual([0, 0]);
    expect(channels.map((channel) => it.presence.list(channel))).toEqual([[], []]);
  });
});

describe("ClientSubscriptions.expireAt()", () => {
  test("unsubscribes what the client chose with 2501, some time after the end", async () => {
    const it = gatewayWorld();
    const link = await admitted(it);
    link.subscriptions.enter(planOf({ expiresAtMs: it.clock.nowMs() + 60_000 }), START);
    advance(it, link, 60_000 + GRACE_MS - 1);
    expect(link.subscriptions.size).toBe(1);
    advance(it, link, 1);
    expect(link.socket.replies.at(-1)).toEqual({
      push: { channel: CHAT, unsubscribe: { code: 2501, reason: "subscription expired" } },
    });
    expect(link.socket.closed).toBeUndefined();
  });

  test("closes with 3006 where the server chose", async () => {
    const it = gatewayWorld();
    const link = await admitted(it);
    const expiresAtMs = it.clock.nowMs() + 60_000;
    link.subscriptions.enter(planOf({ by: "server", expiresAtMs }), START);
    advance(it, link, 60_000 + GRACE_MS);
    expect(link.socket.closed).toEqual({ code: 3006, reason: "subscription expired" });
  });

  test("replaces the end by a later one, or by none", async () => {
    const it = gatewayWorld();
    const link = await admitted(it);
    link.subscriptions.enter(planOf({ expiresAtMs: it.clock.nowMs() + 1_000 }), START);
    link.subscriptions.expireAt(CHAT, it.clock.nowMs() + 60_000);
    advance(it, link, 30_000);
    expect(link.subscriptions.size).toBe(1);
    link.subscriptions.expireAt(CHAT, undefined);
    advance(it, link, 120_000);
    expect(link.subscriptions.size).toBe(1);
  });

  test("leaves no timer behind when the subscription ends before", async () => {
    const it = gatewayWorld();
    const { subscriptions } = await admitted(it);
    const before = it.clock.pending;
    subscriptions.enter(planOf({ expiresAtMs: it.clock.nowMs() + 1_000 }), START);
    subscriptions.leave(CHAT);
    subscriptions.expireAt(CHAT, it.clock.nowMs() + 1_000);
    expect(it.clock.pending).toBe(before);
  });
});

describe("a lost position", () => {
  test("ends what the client chose with 2500", async () => {
    const it = gatewayWorld();
    const { subscriptions, socket } = await admitted(it);
    subscriptions.enter(planOf(), START);
    it.link.isUp = false;
    await it.publish(CHAT, "1");
    it.link.isUp = true;
    await it.publish(CHAT, "2");
    expect(socket.replies).toEqual([
      { push: { channel: CHAT, unsubscribe: { code: 2500, reason: "insufficient state" } } },
    ]);
    expect(it.fanout.members(CHAT)).toBe(0);
  });

  test("closes with 3010 where the server chose", async () => {
    const it = gatewayWorld();
    const { subscriptions, socket } = await admitted(it);
    subscriptions.enter(planOf({ by: "server" }), START);
    await it.publish(CHAT, "1");
    it.streams.forget(CHAT);
    await it.publish(CHAT, "2");
    expect(socket.closed).toEqual({ code: 3010, reason: "insufficient state" });
  });

  test("is no matter where no position is watched", async () => {
    const it = gatewayWorld();
    const { subscriptions, socket } = await admitted(it);
    subscriptions.enter(planOf({ positioned: false, recoverable: false }), START);
    await it.publish(CHAT, "1");
    it.streams.forget(CHAT);
    await it.publish(CHAT, "2");
    expect(socket.replies).toMatchObject([
      { push: { pub: { data: 1 } } },
      { push: { pub: { data: 2 } } },
    ]);
  });
});
