import { describe, expect, test } from "bun:test";
import {
  clientOf,
  connected,
  DEVICE_42,
  gatewayWorld,
  NEWS,
  send,
} from "../../../support/gateway-world.ts";

describe("unsubscribe", () => {
  test("ends the subscription, so that the channel can be subscribed to again", async () => {
    const it = gatewayWorld();
    const { socket, handler } = await connected(it);
    await send(
      handler,
      { id: 2, subscribe: { channel: NEWS } },
      { id: 3, unsubscribe: { channel: NEWS } },
    );
    await it.publish(NEWS, "1");
    expect(socket.frames.slice(1)).toEqual([
      '{"id":2,"subscribe":{}}',
      '{"id":3,"unsubscribe":{}}',
    ]);
    await send(handler, { id: 4, subscribe: { channel: NEWS } });
    expect(socket.frames.at(-1)).toBe('{"id":4,"subscribe":{}}');
  });

  test.each([NEWS, "nowhere:1"])("from %s is no error when not subscribed", async (channel) => {
    const { socket, handler } = await connected(gatewayWorld());
    await send(handler, { id: 2, unsubscribe: { channel } });
    expect(socket.frames[1]).toBe('{"id":2,"unsubscribe":{}}');
  });

  test("also leaves what the server subscribed to", async () => {
    const it = gatewayWorld();
    const { handler } = await connected(it, "subscribed");
    await send(handler, { id: 2, unsubscribe: { channel: DEVICE_42 } });
    expect(clientOf(it).subscriptions.size).toBe(0);
  });
});
