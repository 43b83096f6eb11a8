import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { watchPositions } from "../../../src/ws/position-check.ts";
import {
  connected,
  DEVICE_42,
  gatewayWorld,
  NAMESPACES,
  send,
  settled,
} from "../../support/gateway-world.ts";

async function watched(token: string) {
  const it = gatewayWorld();
  await it.publish(DEVICE_42, "1");
  const client = await connected(it, token);
  watchPositions({ ...it, namespaces: NAMESPACES });
  const lose = async () => {
    // Stored, and never heard of: the fan-out does not learn of it.
    const { publication } = it.fanout;
    it.fanout.publication = () => {};
    await it.publish(DEVICE_42, "2");
    it.fanout.publication = publication;
  };
  const check = async () => {
    it.clock.advance(LIMITS.positionCheckMs / 2);
    client.handler.message("{}"); // a ping came meanwhile
    it.clock.advance(LIMITS.positionCheckMs / 2);
    await settled();
  };
  return { ...it, ...client, lose, check };
}

describe("watchPositions()", () => {
  test("ends a client's own subscription with 2500 when it lost a publication", async () => {
    const { socket, handler, lose, check } = await watched("good");
    await send(handler, { id: 2, subscribe: { channel: DEVICE_42 } });
    await lose();
    await check();
    expect(socket.frames.join("\n")).toContain('"unsubscribe":{"code":2500');
  });

  test("leaves alone who has everything", async () => {
    const { socket, handler, publish, check } = await watched("good");
    await send(handler, { id: 2, subscribe: { channel: DEVICE_42 } });
    await publish(DEVICE_42, "2");
    await check();
    expect(socket.closed).toBeUndefined();
    expect(socket.frames.join("\n")).not.toContain("unsubscribe");
  });

  test("asks nothing of channels that keep nothing", async () => {
    const { handler, streams, check, log } = await watched("good");
    await send(handler, { id: 2, subscribe: { channel: parseChannel("news:today") } });
    streams.history = () => Promise.reject(new Error("asked"));
    await check();
    expect(log.of("task.failed")).toEqual([]);
  });

  test("passes over channels whose namespace is no more", async () => {
    const it = gatewayWorld();
    await it.publish(DEVICE_42, "1");
    const { handler } = await connected(it, "good");
    await send(handler, { id: 2, subscribe: { channel: DEVICE_42 } });
    watchPositions(it);
    it.namespaces.delete("device");
    it.clock.advance(LIMITS.positionCheckMs);
    await settled();
    expect(it.log.of("task.failed")).toEqual([]);
  });
});
