import { describe, expect, test } from "bun:test";
import {
  clientOf,
  connected,
  gatewayWorld,
  send,
  settled,
} from "../../../support/gateway-world.ts";

async function refreshing(it: ReturnType<typeof gatewayWorld>, token: string) {
  const link = await connected(it, "brief");
  await send(link.handler, { id: 2, refresh: { token } });
  return link;
}

describe("refresh", () => {
  test.each([
    ["brief", '{"id":2,"refresh":{"expires":true,"ttl":60}}'],
    ["good", '{"id":2,"refresh":{}}'],
  ])("with the token %s is answered %s", async (token, answer) => {
    const { socket } = await refreshing(gatewayWorld(), token);
    expect(socket.frames[1]).toBe(answer);
  });

  test.each([
    ["expired", 3005, "connection expired"],
    ["nonsense", 3500, "invalid token"],
    ["bob", 3500, "invalid token"],
  ])("with the token %s closes with %d", async (token, code, reason) => {
    const { socket } = await refreshing(gatewayWorld(), token);
    expect(socket.closed).toEqual({ code, reason });
  });

  test("with a token that nobody can check now is a temporary error", async () => {
    const { socket } = await refreshing(gatewayWorld(), "unreachable");
    expect(socket.replies[1]).toMatchObject({ error: { code: 100, temporary: true } });
    expect(socket.closed).toBeUndefined();
  });

  test("takes over what the new token says of the user", async () => {
    const it = gatewayWorld();
    await refreshing(it, "known");
    expect(clientOf(it).info()).toMatchObject({ connInfo: '{"name":"Anna"}' });
    expect(clientOf(it).asBackendUser()).toMatchObject({ meta: '{"tier":1}' });
  });

  test("with a token that never ends lets the client stay", async () => {
    const it = gatewayWorld();
    const { socket, handler } = await refreshing(it, "good");
    for (let second = 0; second < 120; second += 1) {
      it.clock.advance(1_000);
      if (socket.frames.at(-1) === "{}") handler.message("{}");
      socket.frames.push("answered");
    }
    expect(socket.closed).toBeUndefined();
  });

  test("leaves no timer behind when the client goes while the token is checked", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const claims = { user: "anna", devices: [], channels: [], subs: new Map() };
    let calls = 0;
    const it = gatewayWorld({
      tokens: {
        async verify() {
          calls += 1;
          if (calls > 1) await promise;
          return { ...claims, expiresAtMs: it.clock.nowMs() + 60_000 };
        },
      },
    });
    const { handler } = await refreshing(it, "any");
    handler.close(1006, "");
    resolve();
    await settled();
    expect(it.clock.pending).toBe(0);
  });

  test("closes with 3501 where the backend is asked instead", async () => {
    const refresh = async () => ({ result: { expired: false } });
    const { socket } = await refreshing(gatewayWorld({ backend: { refresh } }), "good");
    expect(socket.closed).toEqual({ code: 3501, reason: "bad request" });
  });
});
