import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { FIRST_OFFSET } from "../support/device.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import type { Posthorn } from "../support/posthorn.ts";
import { startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken, type TokenClaims } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const EPOCH = /^[A-Za-z0-9]{8}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What a client may send that ends its connection with 3501, after a good connect. */
const BAD_AFTER_CONNECT: readonly (readonly [what: string, frame: string])[] = [
  ["a second connect", '{"id":2,"connect":{}}'],
  ["a pong nobody asked for", "{}"],
  ["a command without a known request", '{"id":2}'],
  ["a command with an unknown request", '{"id":2,"dance":{}}'],
  ["a ping command, which only the server sends", '{"id":2,"ping":{}}'],
  ["a subscribe without an id", '{"subscribe":{"channel":"room:1"}}'],
  ["a subscribe without a channel", '{"id":2,"subscribe":{}}'],
  ["a subscribe to an empty channel", '{"id":2,"subscribe":{"channel":""}}'],
  ["an unsubscribe from an empty channel", '{"id":2,"unsubscribe":{"channel":""}}'],
  ["malformed JSON", '{"id":2,'],
  ["JSON that is no object", "[]"],
  ["an empty frame", ""],
  ["an unknown delta type", '{"id":2,"subscribe":{"channel":"room:1","delta":"xdelta"}}'],
];

/** What a client may send before any connect that ends its connection with 3501. */
const BAD_BEFORE_CONNECT: readonly (readonly [what: string, frame: string])[] = [
  ["a subscribe", '{"id":1,"subscribe":{"channel":"room:1"}}'],
  ["a pong", "{}"],
  ["plain text", "hi"],
  ["a connect without an id", '{"connect":{}}'],
  ["a connect without credentials", '{"id":1,"connect":{}}'],
];

const ROOM = {
  channels: { room: { history_size: 100, history_ttl: "1h", allow_subscribe: true } },
};

describe.each(TARGETS)("/connection/websocket on $name", (target) => {
  test("answers connect with client, version, ping and pong", async () => {
    await using site = await startSite(target);
    using socket = await FrameSocket.open(`${site.server.wsUrl}/connection/websocket`);
    const { connect } = await socket.command({
      connect: { token: signToken({ sub: "u" }), name: "js" },
    });
    expect(connect).toMatchObject({
      client: expect.stringMatching(UUID),
      version: expect.any(String),
      ping: 20,
      pong: true,
    });
    expect(connect?.subs).toBeUndefined();
    const line = await site.server.waitForLog("client.connected");
    expect(line).toMatchObject({ client: connect?.client, user: "u" });
  });

  test("answers a batch in one frame in its order, connect first", async () => {
    await using site = await startSite(target, { config: ROOM });
    using socket = await FrameSocket.open(`${site.server.wsUrl}/connection/websocket`);
    const token = signToken({ sub: "u", devices: ["42"] });
    const batch = [
      { connect: { token }, id: 1 },
      { subscribe: { channel: "device:42", flag: 1 }, id: 2 },
      { subscribe: { channel: "room:1" }, id: 3 },
      { unsubscribe: { channel: "room:1" }, id: 4 },
    ];
    socket.send(`${batch.map((command) => JSON.stringify(command)).join("\n")}\n`);
    await socket.reply(4);
    const lines = socket.lines.items.map((line) => JSON.parse(line));
    expect(lines.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
    expect(lines[1]).toEqual({
      id: 2,
      subscribe: { recoverable: true, positioned: true, epoch: expect.stringMatching(EPOCH) },
    });
    expect(lines[3]).toEqual({ id: 4, unsubscribe: {} });
  });

  test("pushes what a device posts to its subscribers and nobody else", async () => {
    await using site = await startSite(target, { config: ROOM });
    const other = await site.addDevice("43");
    using owner = await connect(site.server, { sub: "u", devices: ["42"] });
    using neighbour = await connect(site.server, { sub: "v", devices: ["43"] });
    await owner.command({ subscribe: { channel: "device:42" } });
    await neighbour.command({ subscribe: { channel: "device:43" } });

    await site.device.post({ id: "a", type: "door.opened", data: { by: 7 }, time: 5 });
    await other.post({ id: "b", type: "t", data: 1, time: 5 });

    expect(await owner.publication("device:42", FIRST_OFFSET)).toBe(
      `{"push":{"channel":"device:42","pub":{"data":{"id":"a","type":"door.opened","device":"42","time":5,"data":{"by":7}},"offset":${FIRST_OFFSET}}}}`,
    );
    await neighbour.publication("device:43", FIRST_OFFSET);
    const channels = neighbour.lines.items.map((line) => JSON.parse(line).push?.channel);
    expect(channels).not.toContain("device:42");
  });

  test("stops pushing after unsubscribe, and lets the client subscribe again", async () => {
    await using site = await startSite(target);
    using socket = await connect(site.server, { sub: "u", devices: ["42"] });
    await socket.command({ subscribe: { channel: "device:42" } });
    expect(await socket.command({ unsubscribe: { channel: "device:42" } })).toMatchObject({
      unsubscribe: {},
    });
    await site.device.post({ type: "t", data: "unheard" });
    const again = await socket.command({ subscribe: { channel: "device:42" } });
    expect(again.subscribe?.offset).toBe(FIRST_OFFSET);
    await site.device.post({ type: "t", data: "heard" });
    await socket.publication("device:42", FIRST_OFFSET + 1);
    expect(socket.lines.items.join()).not.toContain("unheard");
  });

  test("does not mind an unsubscribe from a channel never subscribed", async () => {
    await using site = await startSite(target);
    using socket = await connect(site.server, { sub: "u" });
    const reply = await socket.command({ unsubscribe: { channel: "device:42" } });
    expect(reply).toEqual({ id: reply.id ?? 0, unsubscribe: {} });
  });

  test("subscribes to the channels its token names", async () => {
    await using site = await startSite(target);
    using socket = await FrameSocket.open(`${site.server.wsUrl}/connection/websocket`);
    const token = signToken({ sub: "u", channels: ["device:42"] });
    const { connect: hello } = await socket.command({ connect: { token } });
    expect(hello?.subs).toEqual({
      "device:42": { recoverable: true, positioned: true, epoch: expect.stringMatching(EPOCH) },
    });
    await site.device.post({ type: "t", data: 1 });
    await socket.publication("device:42", FIRST_OFFSET);
    const again = await socket.command({ subscribe: { channel: "device:42" } });
    expect(again.error?.code).toBe(105);
  });

  test("subscribes to the channels of its token's subs claim", async () => {
    await using site = await startSite(target);
    using socket = await FrameSocket.open(`${site.server.wsUrl}/connection/websocket`);
    const token = signToken({ sub: "u", subs: { "device:42": {} } });
    const { connect: hello } = await socket.command({ connect: { token } });
    expect(Object.keys(hello?.subs ?? {})).toEqual(["device:42"]);
  });

  test("answers what it cannot do with the protocol's error codes", async () => {
    await using site = await startSite(target, { config: ROOM });
    using socket = await connect(site.server, { sub: "u", devices: ["42"] });
    await socket.command({ subscribe: { channel: "room:1" } });
    const cases = [
      [{ subscribe: { channel: "nowhere:1" } }, 102],
      [{ subscribe: { channel: "device:43" } }, 103],
      [{ subscribe: { channel: "room:1" } }, 105],
      [{ subscribe: { channel: "x".repeat(256) } }, 107],
      [{ subscribe: { channel: "room:日本" } }, 107],
      [{ subscribe: { channel: "room:a b" } }, 107],
      [{ presence: { channel: "room:1" } }, 108],
      [{ presence_stats: { channel: "room:1" } }, 108],
    ] as const;
    for (const [command, code] of cases) {
      const { error } = await socket.command(command);
      expect([command, error?.code]).toEqual([command, code]);
      expect(error?.message).toEqual(expect.any(String));
    }
    expect((await socket.command({ unsubscribe: { channel: "room:1" } })).unsubscribe).toEqual({});
  });

  test("answers the 129th channel of a client with error 106", async () => {
    await using site = await startSite(target, { config: ROOM });
    using socket = await connect(site.server, { sub: "u" });
    const channels = Array.from({ length: 128 }, (_, index) => `room:${index}`);
    await Promise.all(channels.map((channel) => socket.command({ subscribe: { channel } })));
    const { error } = await socket.command({ subscribe: { channel: "room:128" } });
    expect(error?.code).toBe(106);
  });

  test("answers an expired token with error 109 and refuses to go on", async () => {
    await using site = await startSite(target);
    using socket = await FrameSocket.open(`${site.server.wsUrl}/connection/websocket`);
    const token = signToken({ sub: "u", exp: 1_000_000_000 });
    expect((await socket.command({ connect: { token } })).error?.code).toBe(109);
    socket.send('{"id":2,"subscribe":{"channel":"device:42"}}');
    expect((await socket.end()).code).toBe(3501);
  });

  test.each([
    [
      "signed with another secret",
      signToken({ sub: "u" }, "another-secret-another-secret-another"),
    ],
    ["unsigned", `${signToken({ sub: "u" }).split(".").slice(0, 2).join(".")}.`],
    ["no token at all", "rubbish"],
    ["a subscription token", signToken({ sub: "u", channel: "device:42" })],
  ])("closes with 3500 on a token that is %s", async (_, token) => {
    await using site = await startSite(target);
    using socket = await FrameSocket.open(`${site.server.wsUrl}/connection/websocket`);
    socket.send(JSON.stringify({ id: 1, connect: { token } }));
    expect((await socket.end()).code).toBe(3500);
  });

  test("closes with 3501 on everything the protocol forbids after connect", async () => {
    await using site = await startSite(target, { config: ROOM });
    for (const [what, frame] of BAD_AFTER_CONNECT) {
      using socket = await connect(site.server, { sub: "u" });
      socket.send(frame);
      expect([what, (await socket.end()).code]).toEqual([what, 3501]);
    }
  });

  test("closes with 3501 on everything but a good connect at first", async () => {
    await using site = await startSite(target, { config: ROOM });
    for (const [what, frame] of BAD_BEFORE_CONNECT) {
      using socket = await FrameSocket.open(`${site.server.wsUrl}/connection/websocket`);
      socket.send(frame);
      expect([what, (await socket.end()).code]).toEqual([what, 3501]);
    }
  });

  test("closes with 3506 on a binary frame and with 1009 on one that is too large", async () => {
    await using site = await startSite(target);
    using binary = await connect(site.server, { sub: "u" });
    binary.send(new Uint8Array([0x7b, 0x7d]));
    expect((await binary.end()).code).toBe(3506);
    using large = await connect(site.server, { sub: "u" });
    large.send(JSON.stringify({ id: 2, rpc: { data: "x".repeat(100_000) } }));
    expect((await large.end()).code).toBe(1009);
  });

  test("pings, keeps a client that answers, and closes a silent one with 3012", async () => {
    const limits = { ping_interval: "1s", pong_timeout: "500ms" };
    await using site = await startSite(target, { config: { limits } });
    using silent = await connect(site.server, { sub: "silent" });
    using lively = await connect(site.server, { sub: "lively" }, true);
    expect(await silent.end()).toEqual({ code: 3012, reason: "no pong" });
    const isPing = (line: string) => line === "{}";
    await lively.lines.find(isPing, { what: "a ping", from: lively.lines.items.length });
    expect((await lively.command({ unsubscribe: { channel: "x" } })).unsubscribe).toEqual({});
  });

  test("closes with 3502 when no connect comes", async () => {
    await using site = await startSite(target, {
      config: { limits: { greeting_timeout: "500ms" } },
    });
    using socket = await FrameSocket.open(`${site.server.wsUrl}/connection/websocket`);
    expect((await socket.end()).code).toBe(3502);
  });

  test("confirms the subprotocol centrifuge-json and no other", async () => {
    await using site = await startSite(target);
    const offers = [
      [["centrifuge-json"], "centrifuge-json"],
      [["other", "centrifuge-json"], "centrifuge-json"],
      [[], ""],
    ] as const;
    for (const [protocols, chosen] of offers) {
      const options = protocols.length > 0 ? { protocols } : {};
      using socket = await FrameSocket.open(`${site.server.wsUrl}/connection/websocket`, options);
      expect(socket.protocol).toBe(chosen);
    }
  });
});

async function connect(server: Posthorn, claims: TokenClaims, pongs = false): Promise<FrameSocket> {
  const socket = await FrameSocket.open(`${server.wsUrl}/connection/websocket`, { pongs });
  await socket.command({ connect: { token: signToken(claims) } });
  return socket;
}
