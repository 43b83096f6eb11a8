import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { serverPlan, subscribeByServer } from "../../../src/ws/server-side.ts";
import {
  clientOf,
  connected,
  DEVICE_42,
  gatewayWorld,
  NEWS,
  send,
  settled,
} from "../../support/gateway-world.ts";

const CHAT = parseChannel("chat:1");

async function admitted(it = gatewayWorld()) {
  const link = await connected(it);
  link.socket.frames.length = 0;
  return { it, ...link, client: clientOf(it) };
}

describe("serverPlan()", () => {
  test("follows the namespace", async () => {
    const { client } = await admitted();
    expect(serverPlan(client, { channel: DEVICE_42 })).toMatchObject({
      channel: DEVICE_42,
      by: "server",
      recoverable: true,
      positioned: true,
      joinLeave: false,
      delta: false,
    });
  });

  test("lets the server override it, and say more", async () => {
    const { client } = await admitted();
    const plan = serverPlan(client, {
      channel: CHAT,
      info: "1",
      data: "2",
      expiresAtMs: 3,
      override: { forceRecovery: true, presence: false },
    });
    expect(plan).toMatchObject({ recoverable: true, presence: false });
    expect(plan).toMatchObject({ info: "1", data: "2", expiresAtMs: 3 });
  });

  test("throws channel_unknown for a channel of no namespace", async () => {
    const { client } = await admitted();
    expect(() => serverPlan(client, { channel: parseChannel("nowhere:1") })).toThrow(
      'no namespace for "nowhere:1"',
    );
  });
});

describe("subscribeByServer()", () => {
  test("tells the client first, then what is published", async () => {
    const { it, client, socket } = await admitted();
    await it.publish(DEVICE_42, "1");
    await subscribeByServer(client, { channel: DEVICE_42, data: '{"a":1.0}' });
    await it.publish(DEVICE_42, "2");
    const [told, live] = socket.frames;
    expect(told).toBe(
      `{"push":{"channel":"${DEVICE_42}","subscribe":{"recoverable":true,"epoch":"epochone","offset":1,"positioned":true,"data":{"a":1.0}}}}`,
    );
    expect(live).toContain('"pub":{"data":2,"offset":2}');
    expect(client.subscriptions.get(DEVICE_42)?.by).toBe("server");
  });

  test("brings what was missed since a position", async () => {
    const { it, client, socket } = await admitted();
    await it.publish(DEVICE_42, "1");
    await it.publish(DEVICE_42, "2");
    const since = [{ epoch: "epochone", offset: 1 }];
    await subscribeByServer(client, { channel: DEVICE_42, since });
    expect(socket.frames.join()).toContain('{"data":2,"offset":2}');
    await it.publish(DEVICE_42, "3");
    expect(socket.closed).toBeUndefined();
    expect(socket.frames.at(-1)).toContain('{"data":3,"offset":3}');
  });

  test("does nothing when the client is subscribed already", async () => {
    const { it, client, socket, handler } = await admitted();
    await send(handler, { id: 2, subscribe: { channel: NEWS } });
    await subscribeByServer(client, { channel: NEWS });
    expect(socket.frames).toHaveLength(1);
    expect(it.fanout.members(NEWS)).toBe(1);
  });

  test("leaves nothing behind when the client goes while it loads", async () => {
    const { it, client, handler } = await admitted();
    const release = it.streams.holdHistory();
    const subscribing = subscribeByServer(client, { channel: DEVICE_42 });
    handler.close(1006, "");
    release();
    await subscribing;
    expect(it.fanout.members(DEVICE_42)).toBe(0);
  });

  test("comes first, and the client's own wish is refused with 105", async () => {
    const { it, client, socket, handler } = await admitted();
    const release = it.streams.holdHistory();
    const subscribing = subscribeByServer(client, { channel: DEVICE_42 });
    await send(handler, { id: 2, subscribe: { channel: DEVICE_42 } });
    release();
    await subscribing;
    await settled();
    expect(socket.replies).toMatchObject([
      { push: { channel: DEVICE_42, subscribe: {} } },
      { id: 2, error: { code: 105 } },
    ]);
    await it.publish(DEVICE_42, "1");
    expect(socket.frames).toHaveLength(3);
    expect(it.fanout.members(DEVICE_42)).toBe(1);
  });

  test("does nothing when the client's own wish came first", async () => {
    const { it, client, socket, handler } = await admitted();
    const release = it.streams.holdHistory();
    await send(handler, { id: 2, subscribe: { channel: DEVICE_42 } });
    const subscribing = subscribeByServer(client, { channel: DEVICE_42 });
    release();
    await subscribing;
    await settled();
    expect(socket.replies).toMatchObject([{ id: 2, subscribe: { positioned: true } }]);
    await it.publish(DEVICE_42, "1");
    expect(socket.frames).toHaveLength(2);
  });

  test("closes with 3010 when the stream changes while it loads", async () => {
    const { it, client, socket } = await admitted();
    await it.publish(DEVICE_42, "1");
    const release = it.streams.holdHistory();
    const subscribing = subscribeByServer(client, { channel: DEVICE_42 });
    it.streams.forget(DEVICE_42);
    await it.publish(DEVICE_42, "2");
    release();
    await subscribing;
    expect(socket.closed).toMatchObject({ code: 3010 });
  });

  test("does not let a slow client in that is evicted by what it is told", async () => {
    const { it, client, socket } = await admitted();
    socket.sendResult = "dropped";
    await subscribeByServer(client, { channel: DEVICE_42 });
    expect(socket.closed).toMatchObject({ code: 3008 });
    expect(it.fanout.members(DEVICE_42)).toBe(0);
  });
});
