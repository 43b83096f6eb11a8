import { describe, expect, test } from "bun:test";
import { connected, gatewayWorld, send } from "../../../support/gateway-world.ts";

const CHANNEL = "$chat:1";

async function refreshing(token: string, channel = CHANNEL) {
  const it = gatewayWorld();
  const link = await connected(it);
  await send(link.handler, {
    id: 2,
    subscribe: { channel: CHANNEL, token: `${CHANNEL} for a minute` },
  });
  await send(link.handler, { id: 3, sub_refresh: { channel, token } });
  return { it, ...link };
}

describe("sub_refresh", () => {
  test.each([
    [`${CHANNEL} for a minute`, '{"id":3,"sub_refresh":{"expires":true,"ttl":60}}'],
    [`${CHANNEL} for all`, '{"id":3,"sub_refresh":{}}'],
    ["late", '{"id":3,"error":{"code":109,"message":"token expired"}}'],
    ["nonsense", '{"id":3,"error":{"code":103,"message":"permission denied"}}'],
  ])("with the token %s is answered %s", async (token, answer) => {
    const { socket } = await refreshing(token);
    expect(socket.frames[2]).toBe(answer);
  });

  test("with the token of another channel closes with 3500", async () => {
    const { socket } = await refreshing("$chat:2 for all");
    expect(socket.closed).toMatchObject({ code: 3500 });
  });

  test.each([
    ["$chat:2", 103],
    ["nowhere:1", 102],
  ])("of %s, to which it is not subscribed, is refused with %d", async (channel, code) => {
    const { socket } = await refreshing(`${channel} for all`, channel);
    expect(socket.replies[2]).toMatchObject({ id: 3, error: { code } });
  });

  test("with a token that never ends lets the subscription stay", async () => {
    const { it, socket, handler } = await refreshing(`${CHANNEL} for all`);
    for (let second = 0; second < 120; second += 1) {
      it.clock.advance(1_000);
      if (socket.frames.at(-1) === "{}") handler.message("{}");
    }
    expect(socket.frames.some((frame) => frame.includes("unsubscribe"))).toBe(false);
  });
});
