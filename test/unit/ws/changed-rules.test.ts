import { describe, expect, test } from "bun:test";
import { connected, gatewayWorld, NEWS, send, settled } from "../../support/gateway-world.ts";

const MINUTE_MS = 60_000;

function lastReply(frames: readonly string[]): Record<string, unknown> {
  return JSON.parse(frames.at(-1) ?? "{}");
}

describe("rules that change while a client is connected", () => {
  test("leave it the ping interval that it was told", async () => {
    const it = gatewayWorld();
    const { socket, handler } = await connected(it);
    expect(socket.frames.join()).toContain('"ping":25');
    it.limits.pingIntervalMs = 10 * MINUTE_MS;
    it.limits.pongTimeoutMs = MINUTE_MS;
    for (let round = 0; round < 4; round += 1) {
      it.clock.advance(25_000);
      handler.message("{}");
    }
    expect(socket.frames.filter((frame) => frame === "{}").length).toBeGreaterThanOrEqual(3);
    expect(socket.closed).toBeUndefined();
    const { socket: next } = await connected(it);
    expect(next.frames.join()).toContain('"ping":600');
  });

  test("hold it to another pace at once", async () => {
    const it = gatewayWorld();
    const { socket, handler } = await connected(it);
    it.limits.commandsPerSecond = 1;
    it.limits.commandsBurst = 1;
    const codes: unknown[] = [];
    for (const id of [2, 3]) {
      await send(handler, { id, unsubscribe: { channel: NEWS } });
      codes.push(lastReply(socket.frames)["error"]);
    }
    expect(codes).toMatchObject([undefined, { code: 111 }]);
  });

  test("leave it in a namespace that is gone, where nobody can do anything more", async () => {
    const it = gatewayWorld();
    const { socket, handler } = await connected(it);
    await send(handler, { id: 2, subscribe: { channel: NEWS } });
    it.namespaces.delete("news");
    await send(handler, { id: 3, presence: { channel: NEWS } });
    expect(lastReply(socket.frames)).toMatchObject({ error: { code: 102 } });
    await send(handler, { id: 4, unsubscribe: { channel: NEWS } });
    expect(lastReply(socket.frames)).toMatchObject({ id: 4, unsubscribe: {} });
    await settled();
    expect(socket.closed).toBeUndefined();
  });
});
