import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { Fault } from "../../../src/core/faults.ts";
import type { Backend, ConnectGrant, ConnectQuestion } from "../../../src/core/ports/backend.ts";
import {
  clientOf,
  connect,
  DEVICE_42,
  gatewayWorld,
  login,
  NEWS,
  send,
  settled,
} from "../../support/gateway-world.ts";

const GRANT: ConnectGrant = { user: "carl", channels: [], subs: new Map(), devices: [] };

async function connecting(it: ReturnType<typeof gatewayWorld>, request: object) {
  const link = connect(it);
  await send(link.handler, { id: 1, connect: request });
  return { ...link, reply: link.socket.replies[0] };
}

/** A client that only listens, so that a refusal is a close. */
async function listening(it: ReturnType<typeof gatewayWorld>, request: object) {
  const { socket } = connect(it, { by: "request", text: JSON.stringify(request) });
  await settled();
  return socket;
}

function worldThatAsks(answer: Backend["connect"]) {
  return gatewayWorld({ backend: answer === undefined ? {} : { connect: answer } });
}

describe("the backend, asked about a connection", () => {
  test("is told all that the client says of itself", async () => {
    const questions: ConnectQuestion[] = [];
    const it = worldThatAsks(async (question) => {
      questions.push(question);
      return { result: GRANT };
    });
    const { handler } = connect(it);
    handler.message(
      '{"id":1,"connect":{"data":{"n":1.0},"name":"js","version":"5","headers":{"X-Api":"1"},"subs":{"news:1":{}}}}',
    );
    await settled();
    expect(questions).toEqual([
      {
        client: "uuid-1",
        transport: "websocket",
        headers: { "x-api": "1" },
        data: '{"n":1.0}',
        name: "js",
        version: "5",
        channels: ["news:1"],
      },
    ]);
  });

  test("says who it is, and what it gets", async () => {
    const it = worldThatAsks(async () => ({
      result: {
        ...GRANT,
        expiresAtMs: it.clock.nowMs() + 60_000,
        info: '{"name":"Carl"}',
        meta: '{"tier":3}',
        data: '{"hello":1.0}',
        channels: [DEVICE_42],
        subs: new Map([[NEWS, { data: "[2.0]" }]]),
      },
    }));
    const { socket } = await connecting(it, {});
    expect(socket.frames).toEqual([
      '{"id":1,"connect":{"client":"uuid-1","version":"1.2.3","expires":true,"ttl":60,"data":{"hello":1.0},"subs":{' +
        '"device:42":{"recoverable":true,"epoch":"epochone","positioned":true},' +
        '"news:today":{"data":[2.0]}},"ping":25,"pong":true}}',
    ]);
    expect(clientOf(it).info()).toMatchObject({ user: "carl", connInfo: '{"name":"Carl"}' });
    expect(clientOf(it).asBackendUser()).toMatchObject({ user: "carl", meta: '{"tier":3}' });
  });

  test("refuses in its own words", async () => {
    const error = { code: 1000, message: "too young", temporary: false };
    const { reply } = await connecting(
      worldThatAsks(async () => ({ error })),
      {},
    );
    expect(reply).toEqual({ id: 1, error: { code: 1000, message: "too young" } });
  });

  test("ends the connection in its own words", async () => {
    const disconnect = { code: 4501, reason: "banned" };
    const { socket } = await connecting(
      worldThatAsks(async () => ({ disconnect })),
      {},
    );
    expect(socket.closed).toEqual(disconnect);
    expect(socket.frames).toEqual([]);
  });

  test("that says it is over already is answered with 110", async () => {
    const it = worldThatAsks(async () => ({
      result: { ...GRANT, expiresAtMs: it.clock.nowMs() },
    }));
    const { reply } = await connecting(it, {});
    expect(reply).toMatchObject({ error: { code: 110 } });
  });

  test.each([
    ["backend_unreachable", 100],
    ["backend_busy", 111],
  ] as const)("with %s is answered with the temporary error %d", async (code, answered) => {
    const it = worldThatAsks(() => Promise.reject(new Fault(code)));
    const { reply } = await connecting(it, {});
    expect(reply).toMatchObject({ error: { code: answered, temporary: true } });
    expect(it.log.of("client.refused")).toHaveLength(1);
  });

  test("is not asked about whoever brings a token", async () => {
    const it = worldThatAsks(() => Promise.reject(new Error("asked")));
    const { reply } = await connecting(it, { token: "good" });
    expect(reply).toMatchObject({ id: 1, connect: {} });
  });
});

describe("a connect command", () => {
  test("of somebody anonymous is let in where everything is allowed", async () => {
    const { reply } = await connecting(gatewayWorld({ unrestricted: true }), {});
    expect(reply).toMatchObject({ id: 1, connect: { client: "uuid-1" } });
  });

  test("with a token that nobody can check now is a temporary error", async () => {
    const { reply } = await connecting(gatewayWorld(), { token: "unreachable" });
    expect(reply).toMatchObject({ error: { code: 100, temporary: true } });
  });

  test("that meets a bug says nothing of it", async () => {
    const it = gatewayWorld({ tokens: { verify: () => Promise.reject(new Error("canary")) } });
    const { socket } = await connecting(it, { token: "good" });
    expect(socket.frames.join()).not.toContain("canary");
    expect(socket.replies[0]).toMatchObject({ error: { code: 100 } });
    expect(it.log.of("ws.bug")).toHaveLength(1);
  });
});

describe("a client that only listens", () => {
  test.each<readonly [number, number]>([
    [109, 3005],
    [110, 3005],
    [111, 3013],
    [103, 3507],
    [100, 3004],
    [1000, 3004],
  ])("is closed for the error %d with %d", async (code, closed) => {
    const error = { code, message: "no", temporary: false };
    const it = worldThatAsks(async () => ({ error }));
    const { closed: found } = await listening(it, {});
    expect(found).toMatchObject({ code: closed });
  });

  test.each([
    ["nonsense", 3500],
    ["expired", 3005],
    ["astray", 3004],
    ["greedy", 3505],
    ["", 3501],
  ])("with the token %j is closed with %d", async (token, code) => {
    const { closed } = await listening(gatewayWorld(), { token });
    expect(closed).toMatchObject({ code });
  });

  test("is subscribed to what it could subscribe to itself, and recovers it", async () => {
    const it = gatewayWorld();
    await it.publish(parseChannel("chat:1"), "1");
    const subs = { "chat:1": { recover: true, epoch: "epochone" }, "news:1": {} };
    const { replies } = await listening(it, { token: "good", subs });
    expect(replies).toMatchObject([
      {
        connect: {
          subs: { "chat:1": { recovered: true, publications: [{ data: 1 }] }, "news:1": {} },
        },
      },
    ]);
  });

  test("is subscribed once to what its token names as well", async () => {
    const it = gatewayWorld();
    await listening(it, { token: "subscribed", subs: { [DEVICE_42]: {} } });
    expect(it.fanout.members(DEVICE_42)).toBe(1);
  });

  test.each([
    ["device:7", 3507],
    ["$chat:1", 3507],
    ["nowhere:1", 3004],
  ])("that asks for %s is closed with %d", async (channel, code) => {
    const { closed } = await listening(gatewayWorld(), {
      token: "good",
      subs: { [channel]: {} },
    });
    expect(closed).toMatchObject({ code });
  });
});

describe("a client on /login", () => {
  test("that the backend lets in gets its devices' channels", async () => {
    const it = worldThatAsks(async () => ({ result: { ...GRANT, channels: [NEWS] } }));
    const { socket } = connect(it, login());
    await settled();
    expect(socket.replies[0]).toMatchObject({ push: { connect: { subs: { [NEWS]: {} } } } });
  });

  test("is closed in the backend's words", async () => {
    const disconnect = { code: 4500, reason: "banned" };
    const { socket } = connect(
      worldThatAsks(async () => ({ disconnect })),
      login(),
    );
    await settled();
    expect(socket.closed).toEqual(disconnect);
  });
});
