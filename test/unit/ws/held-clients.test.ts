import { describe, expect, test } from "bun:test";
import { decodeBareConnect } from "../../../src/protocol/client-frame.ts";
import type { HeldStart } from "../../../src/ws/held-clients.ts";
import {
  DEVICE_42,
  type GatewayWorld,
  gatewayWorld,
  LIMITS,
  NEWS,
  settled,
} from "../../support/gateway-world.ts";
import { HeldBody } from "../../support/held-body.ts";

const PEER = { remoteAddress: "192.0.2.1" };
const CLOSE_GRACE_MS = 5_000;

function open(it: GatewayWorld, start: HeldStart) {
  let closings = 0;
  const onClosing = () => {
    closings += 1;
  };
  const body = new HeldBody(it.gateway.hold({ peer: PEER, start, onClosing }));
  return { body, closings: () => closings };
}

function firstFrame(...commands: object[]): HeldStart {
  return {
    transport: "http_stream",
    frame: commands.map((it) => JSON.stringify(it)).join("\n"),
  };
}

const CONNECT = { id: 1, connect: { token: "good" } };
const SUBSCRIBE = { id: 2, subscribe: { channel: NEWS } };

/** A client that keeps up with what it is sent. */
async function reading(it: GatewayWorld, start: HeldStart = firstFrame(CONNECT)) {
  const client = open(it, start);
  client.body.run();
  await settled();
  return client;
}

function listener(request: object, transport: "uni_sse" | "uni_http_stream" = "uni_http_stream") {
  return { transport, connect: decodeBareConnect(JSON.stringify(request)) } as const;
}

function sessionOf(body: HeldBody): string {
  return (body.messages as { connect?: { session: string } }[])[0]?.connect?.session ?? "";
}

describe("a client on /connection/http_stream", () => {
  test("gets its answers as lines, with the session and the node that later frames need", async () => {
    const { body } = await reading(gatewayWorld(), firstFrame(CONNECT, SUBSCRIBE));
    expect(body.text).toEndWith('}}\n{"id":2,"subscribe":{}}\n');
    expect(body.messages[0]).toEqual({
      id: 1,
      connect: {
        client: "uuid-2",
        version: "1.2.3",
        // 16 bytes of chance
        session: `token-1-${"x".repeat(16)}`,
        node: "node-1",
        ping: 25,
        pong: true,
      },
    });
  });

  test("is heard by its session", async () => {
    const it = gatewayWorld();
    const { body } = await reading(it);
    expect(it.gateway.receive("node-1", sessionOf(body), JSON.stringify(SUBSCRIBE))).toBe(true);
    await settled();
    expect(body.messages[1]).toEqual({ id: 2, subscribe: {} });
  });

  test("is not heard at another node, and a session that nobody has does nothing", async () => {
    const it = gatewayWorld();
    const { body } = await reading(it);
    expect(it.gateway.receive("node-2", sessionOf(body), JSON.stringify(SUBSCRIBE))).toBe(false);
    expect(it.gateway.receive("node-1", "guess", JSON.stringify(SUBSCRIBE))).toBe(true);
    await settled();
    expect(body.messages).toHaveLength(1);
  });

  test("gets publications one by one, encoded as on a websocket", async () => {
    const it = gatewayWorld();
    const { body } = await reading(it, firstFrame(CONNECT, SUBSCRIBE));
    await it.publish(NEWS, '{"n":1.0}');
    await settled();
    expect(body.text).toEndWith('{"push":{"channel":"news:today","pub":{"data":{"n":1.0}}}}\n');
  });

  test("is told with a push why it has to go, and then the response ends", async () => {
    const { body, closings } = await reading(
      gatewayWorld(),
      firstFrame({ id: 1, connect: { token: "nonsense" } }),
    );
    expect(body.messages).toEqual([
      { push: { disconnect: { code: 3500, reason: "invalid token" } } },
    ]);
    expect(body.hasEnded).toBe(true);
    expect(closings()).toBe(1);
  });

  test("gets 3501 for a first frame that is none", async () => {
    const { body } = await reading(gatewayWorld(), { transport: "http_stream", frame: "nonsense" });
    expect(body.messages).toMatchObject([{ push: { disconnect: { code: 3501 } } }]);
  });

  test("must answer pings by its session, and gets 3012 when it does not", async () => {
    const it = gatewayWorld();
    const { body } = await reading(it);
    it.clock.advance(LIMITS.pingIntervalMs);
    await settled();
    expect(body.text).toEndWith("\n{}\n");
    it.gateway.receive("node-1", sessionOf(body), "{}");
    it.clock.advance(LIMITS.pingIntervalMs);
    await settled();
    expect(body.hasEnded).toBe(false);
    it.clock.advance(LIMITS.pongTimeoutMs);
    await settled();
    expect(body.messages.at(-1)).toMatchObject({ push: { disconnect: { code: 3012 } } });
    expect(body.hasEnded).toBe(true);
  });
});

describe("a client on /connection/sse", () => {
  test("gets an empty line, and then its answers as events", async () => {
    const { frame } = { frame: JSON.stringify(CONNECT) };
    const { body } = await reading(gatewayWorld(), { transport: "sse", frame });
    expect(body.text).toMatch(/^\ndata: \{"id":1,"connect":\{.*\}\}\n\n$/);
  });
});

describe("a client that only listens", () => {
  test("gets bare pushes, a session without a node, and need not answer pings", async () => {
    const it = gatewayWorld();
    const { body } = await reading(it, listener({ token: "subscribed" }));
    await it.publish(DEVICE_42, "1");
    for (let ping = 0; ping < 10; ping += 1) it.clock.advance(LIMITS.pingIntervalMs);
    await settled();
    expect(body.messages.slice(0, 3)).toEqual([
      {
        connect: {
          client: "uuid-2",
          version: "1.2.3",
          subs: { [DEVICE_42]: { recoverable: true, epoch: "epochone", positioned: true } },
          session: expect.stringContaining("token-1-"),
          ping: 25,
        },
      },
      { channel: DEVICE_42, pub: { data: 1, offset: 1 } },
      {},
    ]);
    expect(body.hasEnded).toBe(false);
  });

  test.each([
    ["expired", 3005],
    ["nonsense", 3500],
    ["", 3501],
  ])("with the token %j hears %d", async (token, code) => {
    const { body } = await reading(gatewayWorld(), listener({ token }));
    expect(body.messages).toMatchObject([{ disconnect: { code } }]);
    expect(body.hasEnded).toBe(true);
  });

  test("cannot send anything by its session", async () => {
    const it = gatewayWorld();
    const { body } = await reading(it, listener({ token: "good" }));
    it.gateway.receive("node-1", sessionOf(body), JSON.stringify(SUBSCRIBE));
    await settled();
    expect(body.messages).toHaveLength(1);
    expect(it.registry.size).toBe(1);
  });

  test("gets events where it asked for events", async () => {
    const { body } = await reading(gatewayWorld(), listener({ token: "good" }, "uni_sse"));
    expect(body.text).toMatch(/^\ndata: \{"connect":\{.*\}\}\n\n$/);
  });
});

describe("a client that reads too slowly", () => {
  /** Connected and subscribed; from now on it takes nothing. */
  async function stalled(it: GatewayWorld) {
    const client = open(it, firstFrame(CONNECT, SUBSCRIBE));
    await settled();
    await client.body.take();
    return client;
  }

  test("is evicted with 3008 when more waits than may, and its queue is dropped", async () => {
    const it = gatewayWorld();
    const { body } = await stalled(it);
    const data = JSON.stringify("x".repeat(LIMITS.queueMaxBytes / 4));
    for (let publication = 0; publication < 10; publication += 1) await it.publish(NEWS, data);
    expect(it.registry.size).toBe(0);
    expect(it.log.of("client.slow")).toHaveLength(1);
    expect(it.log.of("client.disconnected")).toMatchObject([{ code: 3008, by: "server" }]);
    body.run();
    await settled();
    expect(body.messages).toEqual([{ push: { disconnect: { code: 3008, reason: "slow" } } }]);
    expect(body.hasEnded).toBe(true);
  });

  test("is not taken for slow by what it has read before", async () => {
    const it = gatewayWorld();
    const { body } = await reading(it, firstFrame(CONNECT, SUBSCRIBE));
    const data = JSON.stringify("x".repeat(LIMITS.queueMaxBytes / 4));
    for (let publication = 0; publication < 20; publication += 1) {
      await it.publish(NEWS, data);
      await settled();
    }
    expect(body.messages).toHaveLength(22);
    expect(it.registry.size).toBe(1);
  });

  test("may pass the bound once by a single long frame", async () => {
    const it = gatewayWorld();
    const { body } = await stalled(it);
    const data = JSON.stringify("x".repeat(2 * LIMITS.queueMaxBytes));
    await it.publish(NEWS, data);
    expect(it.registry.size).toBe(1);
    expect(await body.take()).toContain(data);
  });

  test("is given up when it does not even take the farewell", async () => {
    const it = gatewayWorld();
    const { body, closings } = await stalled(it);
    let isDrained = false;
    const drained = it.gateway.drain(10_000).then(() => {
      isDrained = true;
    });
    await settled();
    expect([isDrained, closings()]).toEqual([false, 1]);
    it.clock.advance(CLOSE_GRACE_MS);
    await drained;
    body.run();
    await settled();
    expect(body.messages).toEqual([]);
    expect(body.hasEnded).toBe(true);
  });

  test("gets many small frames in few chunks, each of a bounded size", async () => {
    const it = gatewayWorld({ limits: { queueMaxBytes: 1024 * 1024 } });
    const { body } = await stalled(it);
    const data = JSON.stringify("é".repeat(500));
    for (let publication = 0; publication < 200; publication += 1) await it.publish(NEWS, data);
    const first = await body.take();
    const second = await body.take();
    for (const chunk of [first, second]) {
      expect(Buffer.byteLength(chunk)).toBeGreaterThan(60 * 1024);
      expect(Buffer.byteLength(chunk)).toBeLessThan(68 * 1024);
      expect(chunk.endsWith("\n")).toBe(true);
    }
  });
});

describe("the gateway with held responses", () => {
  test("forgets a client that went away, with its timers and memberships", async () => {
    const it = gatewayWorld();
    const { body } = await reading(it, firstFrame({ id: 1, connect: { token: "subscribed" } }));
    expect(it.fanout.members(DEVICE_42)).toBe(1);
    const session = sessionOf(body);
    await body.cancel();
    expect(it.registry.size).toBe(0);
    expect(it.fanout.members(DEVICE_42)).toBe(0);
    expect(it.clock.pending).toBe(0);
    expect(it.log.of("client.disconnected")).toMatchObject([
      { user: "anna", code: 3000, reason: "connection closed", by: "client" },
    ]);
    it.gateway.receive("node-1", session, "nonsense");
    expect(it.log.of("client.refused")).toEqual([]);
    await it.gateway.drain(0);
  });

  test("drains them with 4002, and waits until each has taken its push", async () => {
    const it = gatewayWorld();
    const { body } = await reading(it);
    await it.gateway.drain(10_000);
    expect(body.messages.at(-1)).toMatchObject({ push: { disconnect: { code: 4002 } } });
    await settled();
    expect(body.hasEnded).toBe(true);
    expect(it.clock.pending).toBe(0);
  });
});
