import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../../src/core/channel.ts";
import {
  clientOf,
  connected,
  gatewayWorld,
  NEWS,
  send,
  settled,
} from "../../../support/gateway-world.ts";

const CHAT = parseChannel("chat:1");
const STATE = parseChannel("state:1");

async function subscribed(it: ReturnType<typeof gatewayWorld>, request: object) {
  const link = await connected(it);
  await send(link.handler, { id: 2, subscribe: { channel: CHAT, ...request } });
  return { ...link, reply: link.socket.replies[1] };
}

describe("subscribe", () => {
  test("grants what is asked for and allowed, and nothing else", async () => {
    const { reply } = await subscribed(gatewayWorld(), {});
    expect(reply).toEqual({ id: 2, subscribe: {} });
    const { reply: recoverable } = await subscribed(gatewayWorld(), { recoverable: true });
    expect(recoverable).toEqual({
      id: 2,
      subscribe: { recoverable: true, epoch: "epochone", positioned: true },
    });
    const { reply: positioned } = await subscribed(gatewayWorld(), { positioned: true });
    expect(positioned).toEqual({ id: 2, subscribe: { epoch: "epochone", positioned: true } });
  });

  test("ignores flag 1, which only allows what need not be done", async () => {
    const { reply } = await subscribed(gatewayWorld(), { flag: 1 });
    expect(reply).toEqual({ id: 2, subscribe: {} });
  });

  test.each([1, 2, 3, 4])("answers 108 to a subscription of type %d", async (type) => {
    const { reply } = await subscribed(gatewayWorld(), { type });
    expect(reply).toMatchObject({ id: 2, error: { code: 108 } });
  });

  test("tells of joins who asks, itself included, and of who leaves", async () => {
    const it = gatewayWorld();
    const { socket } = await subscribed(it, { join_leave: true });
    const other = await connected(it, "bob");
    await send(other.handler, { id: 2, subscribe: { channel: CHAT } });
    other.handler.close(1006, "");
    expect(socket.replies.slice(2)).toMatchObject([
      { push: { channel: CHAT, join: { info: { user: "anna" } } } },
      { push: { channel: CHAT, join: { info: { user: "bob", client: "uuid-2" } } } },
      { push: { channel: CHAT, leave: { info: { user: "bob", client: "uuid-2" } } } },
    ]);
    expect(other.socket.frames).toHaveLength(2);
  });

  test("keeps presence from the reply to the end of the subscription", async () => {
    const it = gatewayWorld();
    const { handler } = await subscribed(it, {});
    expect(it.presence.list(CHAT)).toEqual([{ user: "anna", client: "uuid-1" }]);
    await send(handler, { id: 3, unsubscribe: { channel: CHAT } });
    expect(it.presence.list(CHAT)).toEqual([]);
  });

  test("with a tags filter gets only what passes, live", async () => {
    const it = gatewayWorld();
    const tf = { key: "kind", cmp: "eq", val: "alarm" };
    const { socket } = await subscribed(it, { tf });
    await it.publish(CHAT, "1", { kind: "note" });
    await it.publish(CHAT, "2", { kind: "alarm" });
    expect(socket.replies.slice(2)).toMatchObject([{ push: { pub: { data: 2 } } }]);
  });

  test("with a tags filter recovers only what passes, and goes on without a gap", async () => {
    const it = gatewayWorld();
    await it.publish(CHAT, "1", { kind: "alarm" });
    await it.publish(CHAT, "2", { kind: "note" });
    const tf = { key: "kind", cmp: "eq", val: "alarm" };
    const { socket, reply } = await subscribed(it, { recover: true, tf });
    expect(reply).toMatchObject({ subscribe: { recovered: true, publications: [{ data: 1 }] } });
    await it.publish(CHAT, "3", { kind: "alarm" });
    expect(socket.replies.at(-1)).toMatchObject({ push: { pub: { data: 3, offset: 3 } } });
  });

  test.each<[string, object]>([
    ["a filter that is none", { tf: { op: "and" } }],
    ["a filter together with differences", { delta: "fossil", tf: { key: "k", cmp: "ex" } }],
  ])("answers 107 to %s", async (_, request) => {
    const it = gatewayWorld();
    const { reply } = await subscribed(it, request);
    expect(reply).toMatchObject({ error: { code: 107 } });
    expect(it.fanout.members(CHAT)).toBe(0);
  });

  test("takes no filter for null", async () => {
    const { reply } = await subscribed(gatewayWorld(), { tf: null });
    expect(reply).toEqual({ id: 2, subscribe: {} });
  });

  test("recovers differences as a chain and goes on with a whole one", async () => {
    const it = gatewayWorld();
    const texts = [1, 2, 3].map((n) => `"${"abcdefgh".repeat(10)}${n}"`);
    for (const text of texts.slice(0, 2)) await it.publish(CHAT, text);
    const { socket, reply } = await subscribed(it, { recover: true, delta: "fossil" });
    expect(reply).toMatchObject({
      subscribe: { delta: true, publications: [{ data: texts[0] }, { delta: true }] },
    });
    await it.publish(CHAT, texts[2] ?? "");
    expect(socket.replies.at(-1)).toMatchObject({ push: { pub: { data: texts[2], offset: 3 } } });
  });

  test("in a cache gets the newest publication", async () => {
    const it = gatewayWorld();
    await it.publish(STATE, '"old"');
    await it.publish(STATE, '"new"');
    const { reply } = await subscribed(it, { channel: STATE, recover: true });
    expect(reply).toMatchObject({
      subscribe: { recovered: true, offset: 2, publications: [{ data: "new", offset: 2 }] },
    });
  });

  test("says that nothing was recovered where nothing is kept", async () => {
    const recover = { channel: NEWS, recover: true, epoch: "e", offset: 1 };
    const { reply } = await subscribed(gatewayWorld(), recover);
    expect(reply).toEqual({ id: 2, subscribe: { was_recovering: true } });
    const { reply: strict } = await subscribed(gatewayWorld(), { ...recover, flag: 3 });
    expect(strict).toMatchObject({ error: { code: 112 } });
  });

  test("leaves nothing behind when recovery failed and flag 2 was set", async () => {
    const it = gatewayWorld();
    await subscribed(it, { recover: true, epoch: "otherone", offset: 1, flag: 2 });
    expect(it.fanout.members(CHAT)).toBe(0);
    expect(it.presence.list(CHAT)).toEqual([]);
    expect(clientOf(it).subscriptions.size).toBe(0);
  });

  test("leaves nothing behind when the client goes while it loads", async () => {
    const it = gatewayWorld();
    const release = it.streams.holdHistory();
    const { handler, socket } = await subscribed(it, { recoverable: true });
    handler.close(1006, "");
    release();
    await settled();
    expect(it.fanout.members(CHAT)).toBe(0);
    expect(socket.frames).toHaveLength(1);
  });

  test("leaves nothing behind of a client that is evicted by the reply", async () => {
    const it = gatewayWorld();
    const { handler, socket } = await connected(it);
    socket.sendResult = "dropped";
    await send(handler, { id: 2, subscribe: { channel: CHAT } });
    expect(socket.closed).toMatchObject({ code: 3008 });
    expect(it.fanout.members(CHAT)).toBe(0);
    expect(it.presence.list(CHAT)).toEqual([]);
  });

  test("is not lost on what is published without history while it loads", async () => {
    const it = gatewayWorld();
    const release = it.streams.holdHistory();
    const { socket } = await subscribed(it, { recoverable: true });
    await it.streams.append({ channel: CHAT, publication: { data: "1", timeMs: 0 } });
    release();
    await settled();
    expect(socket.closed).toBeUndefined();
    expect(socket.replies[1]).toMatchObject({ id: 2, subscribe: { recoverable: true } });
  });
});
