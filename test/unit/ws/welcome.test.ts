import { describe, expect, test } from "bun:test";
import { type Channel, parseChannel } from "../../../src/core/channel.ts";
import type { HistoryQuery } from "../../../src/core/ports/engine.ts";
import type { SubscriptionOverride } from "../../../src/core/subscription-override.ts";
import {
  connect,
  DEVICE_42,
  gatewayWorld,
  LIMITS,
  login,
  send,
  settled,
} from "../../support/gateway-world.ts";

const CHAT = parseChannel("chat:1");
const STATE = parseChannel("state:1");

/** A token that says all a token can say. */
function tokensWith(
  subs: ReadonlyMap<Channel, { info?: string; data?: string; override?: SubscriptionOverride }>,
  channels: readonly Channel[] = [],
) {
  const claims = { user: "anna", devices: [], channels, subs };
  return { verify: async () => claims };
}

async function welcomed(it: ReturnType<typeof gatewayWorld>, connecting: object = {}) {
  const link = connect(it);
  await send(link.handler, { id: 1, connect: { token: "any", ...connecting } });
  return link;
}

describe("welcome()", () => {
  test("subscribes to what the token names, with all it says of each", async () => {
    const sub = {
      info: "1",
      data: '{"a":1.0}',
      override: { forceRecovery: true, joinLeave: false },
    };
    const it = gatewayWorld({ tokens: tokensWith(new Map([[CHAT, sub]]), [CHAT, STATE]) });
    const { socket } = await welcomed(it);
    expect(socket.frames).toEqual([
      '{"id":1,"connect":{"client":"uuid-1","version":"1.2.3","subs":{' +
        '"state:1":{"recoverable":true,"epoch":"epochone","positioned":true},' +
        '"chat:1":{"recoverable":true,"epoch":"epochone","positioned":true,"data":{"a":1.0}}' +
        '},"ping":25,"pong":true}}',
    ]);
    expect(it.presence.list(CHAT)).toEqual([{ user: "anna", client: "uuid-1", chanInfo: "1" }]);
  });

  test("recovers each channel from its own position", async () => {
    const it = gatewayWorld({ tokens: tokensWith(new Map(), [DEVICE_42, STATE]) });
    for (const data of ["1", "2"]) await it.publish(DEVICE_42, data);
    for (const data of ["3", "4"]) await it.publish(STATE, data);
    const since = { recover: true, epoch: "epochone", offset: 1 };
    const { socket } = await welcomed(it, { subs: { [DEVICE_42]: since, [STATE]: since } });
    expect(socket.replies[0]).toMatchObject({
      connect: {
        subs: {
          [DEVICE_42]: { recovered: true, offset: 1, publications: [{ data: 2, offset: 2 }] },
          [STATE]: { recovered: true, offset: 2, publications: [{ data: 4, offset: 2 }] },
        },
      },
    });
  });

  test("loses nothing that is published while it loads", async () => {
    const it = gatewayWorld({ tokens: tokensWith(new Map(), [DEVICE_42]) });
    await it.publish(DEVICE_42, "1");
    const release = it.streams.holdHistory();
    const since = { recover: true, epoch: "epochone", offset: 0 };
    const { socket } = await welcomed(it, { subs: { [DEVICE_42]: since } });
    await it.publish(DEVICE_42, "2");
    expect(socket.frames).toEqual([]);
    release();
    await settled();
    await it.publish(DEVICE_42, "3");
    expect(socket.frames[0]).toContain(
      '"publications":[{"data":1,"offset":1},{"data":2,"offset":2}]',
    );
    expect(socket.frames[1]).toContain('"pub":{"data":3,"offset":3}');
  });

  describe("bounded by bytes", () => {
    const SINCE = { recover: true, epoch: "epochone", offset: 0 };
    const DEVICE_43 = parseChannel("device:43");
    const FIVE = `"${"x".repeat(3)}"`;

    /** A client that missed so many publications, of 5 bytes each, of each channel. */
    async function recovering(missed: readonly (readonly [Channel, number])[]) {
      const channels = missed.map(([channel]) => channel);
      const it = gatewayWorld({
        tokens: tokensWith(new Map(), channels),
        limits: { recoveryMaxBytes: 30 },
      });
      for (const [channel, count] of missed) {
        for (let n = 0; n < count; n += 1) await it.publish(channel, FIVE);
      }
      const queries: HistoryQuery[] = [];
      const history = it.streams.history.bind(it.streams);
      it.streams.history = (channel, query) => {
        queries.push(query);
        return history(channel, query);
      };
      const subs = Object.fromEntries(channels.map((channel) => [channel, SINCE]));
      return { it, queries, subs };
    }

    function recoveredOf(reply: unknown): Record<string, boolean | undefined> {
      const { subs } = (reply as { connect: { subs: Record<string, { recovered?: boolean }> } })
        .connect;
      return Object.fromEntries(
        Object.entries(subs).map(([channel, { recovered }]) => [channel, recovered]),
      );
    }

    test("gives one channel what the others leave", async () => {
      const { it, queries, subs } = await recovering([
        [DEVICE_43, 5],
        [DEVICE_42, 1],
      ]);
      const { socket } = await welcomed(it, { subs });
      await settled();
      expect(recoveredOf(socket.replies[0])).toEqual({ [DEVICE_43]: true, [DEVICE_42]: true });
      expect(queries.map(({ maxBytes, whole }) => [maxBytes, whole])).toEqual([
        [15, true],
        [15, true],
        [25, true],
      ]);
    });

    test("recovers what fits and never asks for more than is left", async () => {
      const { it, queries, subs } = await recovering([
        [DEVICE_43, 4],
        [DEVICE_42, 4],
      ]);
      const { socket } = await welcomed(it, { subs });
      await settled();
      expect(recoveredOf(socket.replies[0])).toEqual({ [DEVICE_43]: true, [DEVICE_42]: undefined });
      expect(queries.map(({ maxBytes }) => maxBytes)).toEqual([15, 15, 30, 10]);
    });

    test("loses nothing that is published while a channel is read again", async () => {
      const { it, subs } = await recovering([
        [DEVICE_43, 4],
        [DEVICE_42, 1],
      ]);
      const release = it.streams.holdHistory();
      const { socket } = await welcomed(it, { subs });
      const releaseAgain = it.streams.holdHistory();
      release();
      await settled();
      await it.publish(DEVICE_42, "1");
      await it.publish(DEVICE_43, "2");
      expect(socket.frames).toEqual([]);
      releaseAgain();
      await settled();
      expect(socket.replies[0]).toMatchObject({
        connect: {
          subs: {
            [DEVICE_43]: { publications: [{}, {}, {}, {}, { data: 2, offset: 5 }] },
            [DEVICE_42]: { publications: [{}, { data: 1, offset: 2 }] },
          },
        },
      });
    });

    test("reads nothing again for a client that is gone", async () => {
      const { it, queries, subs } = await recovering([
        [DEVICE_43, 4],
        [DEVICE_42, 4],
      ]);
      const release = it.streams.holdHistory();
      const { handler } = await welcomed(it, { subs });
      handler.close(1006, "");
      release();
      await settled();
      expect(queries).toHaveLength(2);
      expect(it.clock.pending).toBe(0);
    });
  });

  test("leaves nothing behind when the client goes while it loads", async () => {
    const it = gatewayWorld({ tokens: tokensWith(new Map(), [DEVICE_42]) });
    const release = it.streams.holdHistory();
    const { handler, socket } = await welcomed(it);
    handler.close(1006, "");
    release();
    await settled();
    expect(socket.frames).toEqual([]);
    expect(it.fanout.members(DEVICE_42)).toBe(0);
    expect(it.registry.users).toBe(0);
    expect(it.clock.pending).toBe(0);
  });

  test("leaves nothing behind of a client that cannot even take the answer", async () => {
    const it = gatewayWorld({ tokens: tokensWith(new Map([[CHAT, {}]])) });
    const link = connect(it);
    link.socket.sendResult = "dropped";
    await send(link.handler, { id: 1, connect: { token: "any" } });
    expect(link.socket.closed).toMatchObject({ code: 3008 });
    expect(it.fanout.members(CHAT)).toBe(0);
    expect(it.presence.list(CHAT)).toEqual([]);
    expect(it.registry.users).toBe(0);
    it.clock.advance(LIMITS.pingIntervalMs * 3);
    expect(it.clock.pending).toBe(0);
  });

  test("closes with 3010 when one stream changes while it loads, and cancels the others", async () => {
    const it = gatewayWorld({ tokens: tokensWith(new Map(), [DEVICE_42, STATE]) });
    await it.publish(DEVICE_42, "1");
    const release = it.streams.holdHistory();
    const { socket } = await welcomed(it);
    it.streams.forget(DEVICE_42);
    await it.publish(DEVICE_42, "2");
    release();
    await settled();
    expect(socket.closed).toMatchObject({ code: 3010 });
    expect(it.fanout.members(STATE)).toBe(0);
  });

  test("answers with an error when one channel cannot be loaded", async () => {
    const it = gatewayWorld({ tokens: tokensWith(new Map(), [DEVICE_42, STATE]) });
    it.streams.history = (channel) =>
      channel === STATE
        ? Promise.reject(new Error("disk on fire"))
        : Promise.resolve({ top: { epoch: "e", offset: 0 }, publications: [] });
    const { socket } = await welcomed(it);
    expect(socket.replies).toEqual([
      { id: 1, error: { code: 100, message: "internal server error", temporary: true } },
    ]);
    expect(it.log.of("ws.bug")).toHaveLength(1);
    expect(it.fanout.members(DEVICE_42)).toBe(0);
  });

  test("tells no end of credentials where the backend refreshes them", async () => {
    const refresh = async () => ({ result: { expired: false } });
    const { socket } = await welcomed(gatewayWorld({ backend: { refresh } }), { token: "brief" });
    expect(socket.frames[0]).not.toContain("expires");
  });

  test("logs who came, without token", async () => {
    const it = gatewayWorld();
    await welcomed(it, { token: "subscribed" });
    expect(it.log.of("client.connected")).toEqual([
      {
        client: "uuid-1",
        user: "anna",
        address: "192.0.2.1",
        transport: "websocket",
        channels: 1,
      },
    ]);
  });

  test("gives a client on /login what brings it back", async () => {
    const it = gatewayWorld();
    await it.publish(DEVICE_42, "1");
    const { socket } = connect(it, login("good"));
    await settled();
    expect(socket.frames[0]).toContain('"resume":"W1siZGV2aWNlOjQyIiwiZXBvY2hvbmUiLDFdXQ"');
  });
});
