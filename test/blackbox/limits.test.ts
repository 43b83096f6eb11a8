import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { FrameSocket } from "../support/frame-socket.ts";
import { eventually } from "../support/inbox.ts";
import { type Posthorn, startPosthorn } from "../support/posthorn.ts";
import { RawWebsocket } from "../support/raw-websocket.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS, type Target } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import type { WireLine } from "../support/wire.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const CHANNELS = { news: { allow_subscribe: true }, device: {} };
const WEBSOCKETS = ["/connection/websocket", "/login", "/connection/uni_websocket"] as const;
const HELD = [
  "/connection/http_stream",
  "/connection/sse",
  "/connection/uni_http_stream",
  "/connection/uni_sse",
] as const;

describe.each(TARGETS)("limits on $name", (target) => {
  test("frame_max_bytes: a larger frame ends the connection with 1009, a larger post gets 413", async () => {
    await using server = await start(target, { frame_max_bytes: "2KB" });
    for (const path of ["/connection/websocket", "/login"]) {
      using socket = await FrameSocket.open(`${server.wsUrl}${path}`);
      socket.send("x".repeat(2049));
      expect([path, (await socket.end()).code]).toEqual([path, 1009]);
    }
    for (const path of [...HELD, "/emulation"]) {
      const answer = await post(server, path, `{"padding":"${"x".repeat(2048)}"}`);
      expect([path, answer.status]).toEqual([path, 413]);
      expect(await answer.json()).toMatchObject({ code: "body_too_large" });
    }
    using socket = await connect(server);
    const channel = "news:".padEnd(200, "x");
    const frame = JSON.stringify({ id: 2, subscribe: { channel } });
    socket.send(frame.padEnd(2048, " "));
    expect((await socket.reply(2)).subscribe).toEqual({});
  });

  test("channels_per_client: one more gets error 106, a token for more gets 3505", async () => {
    await using server = await start(target, { channels_per_client: 2 });
    using socket = await connect(server);
    const codes: unknown[] = [];
    for (const channel of ["news:1", "news:2", "news:3"]) {
      codes.push((await socket.command({ subscribe: { channel } })).error?.code);
    }
    expect(codes).toEqual([undefined, undefined, 106]);
    const token = signToken({ sub: "u", channels: ["news:1", "news:2", "news:3"] });
    using greedy = await FrameSocket.open(`${server.wsUrl}/connection/websocket`);
    greedy.send(JSON.stringify({ id: 1, connect: { token } }));
    expect(await greedy.end()).toEqual({ code: 3505, reason: "channel limit" });
  });

  test("channel_max_chars: a longer name gets error 107", async () => {
    await using server = await start(target, { channel_max_chars: 100 });
    using socket = await connect(server);
    const longest = "news:".padEnd(100, "x");
    expect((await socket.command({ subscribe: { channel: longest } })).subscribe).toEqual({});
    const reply = await socket.command({ subscribe: { channel: `${longest}x` } });
    expect(reply.error).toEqual({ code: 107, message: "bad request" });
  });

  test("clients_per_user: one more is closed with 3504, and visitors are not counted", async () => {
    await using server = await start(target, { clients_per_user: 1 });
    using first = await connect(server);
    for (const path of ["/connection/websocket", "/login"]) {
      using second = await FrameSocket.open(`${server.wsUrl}${path}?token=${signToken(USER)}`);
      second.send(JSON.stringify({ id: 1, connect: { token: signToken(USER) } }));
      expect([path, await second.end()]).toEqual([
        path,
        { code: 3504, reason: "connection limit" },
      ]);
    }
    using other = await connect(server, { sub: "other" });
    using visitor = await FrameSocket.open(`${server.wsUrl}/login`);
    using again = await FrameSocket.open(`${server.wsUrl}/login`);
    for (const socket of [visitor, again]) {
      await socket.line(({ push }) => push?.connect !== undefined, "the connect push");
    }
    for (const socket of [first, other]) {
      expect((await socket.command({ subscribe: { channel: "news:1" } })).subscribe).toEqual({});
    }
  });

  test("on_user_limit = replace: one more takes the place of the oldest, which gets 4500", async () => {
    const limits = { clients_per_user: 2, on_user_limit: "replace" };
    await using server = await start(target, limits);
    using oldest = await connect(server);
    using older = await connect(server);
    using newest = await connect(server);
    expect(await oldest.end()).toEqual({ code: 4500, reason: "replaced" });
    for (const socket of [older, newest]) {
      expect((await socket.command({ subscribe: { channel: "news:1" } })).subscribe).toEqual({});
    }
  });

  test("commands_per_second: those above it get error 111, and who goes on gets 3013", async () => {
    const limits = { commands_per_second: 1, commands_burst: 10, channels_per_client: 3 };
    await using server = await start(target, limits);
    using socket = await connect(server);
    using neighbour = await connect(server);
    const replies = await unsubscribeTimes(socket, 15);
    expect(replies.slice(0, 10).map(({ error }) => error)).toEqual(Array(10).fill(undefined));
    expect(replies.at(-1)?.error).toEqual({
      code: 111,
      message: "too many requests",
      temporary: true,
    });
    socket.send(unsubscribes(100, 20));
    expect(await socket.end()).toEqual({ code: 3013, reason: "too many requests" });
    expect((await unsubscribeTimes(neighbour, 1))[0]?.error).toBeUndefined();
  });

  test("connections_per_address_per_second: those above it get 429 on every path, neighbours none", async () => {
    const limits = {
      connections_per_address_per_second: 1,
      connections_per_address_burst: 5,
    };
    await using server = await start(target, limits);
    const { port } = server;
    const statuses: number[] = [];
    for (let come = 0; come < 5; come += 1) {
      statuses.push(await handshake({ port, path: "/connection/websocket" }));
    }
    expect(statuses).toEqual([101, 101, 101, 101, 101]);
    for (const path of WEBSOCKETS) {
      expect(await firstRefusal(() => handshake({ port, path }))).toBe(429);
    }
    for (const path of HELD) {
      const refusal = await eventually(async () => {
        const answer = await post(server, path, "{}");
        if (answer.status === 429) return answer;
        await answer.body?.cancel();
        return undefined;
      }, `429 of ${path}`);
      expect(refusal.headers.get("retry-after")).toBe("1");
      expect(refusal.headers.get("content-type")).toBe("application/problem+json");
      expect(await refusal.json()).toMatchObject({ code: "connection_rate_exceeded" });
    }
    expect(await handshake({ port, path: "/login", from: "127.0.0.2" })).toBe(101);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    await eventually(
      async () => (await handshake({ port, path: "/login" })) === 101 || undefined,
      "a connection once it is slower",
    );
    expect(server.logged("handshake.failed")).toHaveLength(1);
  });

  test("clients_per_address: one more gets 429, neighbours none, until one has gone", async () => {
    await using server = await start(target, { clients_per_address: 2 });
    const { port } = server;
    using first = await connect(server);
    using _second = await connect(server);
    for (const path of WEBSOCKETS) expect(await handshake({ port, path })).toBe(429);
    const answer = await post(server, "/connection/uni_sse", "{}");
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await answer.json()).toMatchObject({ code: "connections_exceeded" });
    expect(await handshake({ port, path: "/login", from: "127.0.0.2" })).toBe(101);
    first.close();
    await eventually(
      async () => (await handshake({ port, path: "/login" })) === 101 || undefined,
      "a connection in the place of another",
    );
  });

  test("clients_max: one more gets 503, and who is there goes on", async () => {
    await using server = await start(target, { clients_max: 2 });
    using first = await connect(server);
    using _second = await connect(server);
    for (const path of WEBSOCKETS) {
      expect(await handshake({ port: server.port, path })).toBe(503);
    }
    for (const path of HELD) {
      const answer = await post(server, path, "{}");
      expect([path, answer.status, answer.headers.get("retry-after")]).toEqual([path, 503, "1"]);
      expect(await answer.json()).toMatchObject({ code: "clients_full" });
    }
    expect((await first.command({ subscribe: { channel: "news:1" } })).subscribe).toEqual({});
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  });
});

const USER = { sub: "u" };

function start(
  target: Target,
  limits: Readonly<Record<string, string | number>>,
): Promise<Posthorn> {
  return startPosthorn(target, { config: { channels: CHANNELS, limits } });
}

async function connect(server: Posthorn, user: { readonly sub: string } = USER) {
  const socket = await FrameSocket.open(`${server.wsUrl}/connection/websocket`, { pongs: true });
  await socket.command({ connect: { token: signToken(user) } });
  return socket;
}

function post(server: Posthorn, path: string, body: string): Promise<Response> {
  return fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
}

/** The status that a websocket handshake gets. */
async function handshake(options: Parameters<typeof RawWebsocket.open>[0]): Promise<number> {
  const { status, socket } = await RawWebsocket.open(options);
  socket[Symbol.dispose]();
  return status;
}

/** The first status that is not 101: now and then one may pass. */
function firstRefusal(ask: () => Promise<number>): Promise<number> {
  return eventually(async () => {
    const status = await ask();
    return status === 101 ? undefined : status;
  }, "a refusal");
}

/** A frame of harmless commands. */
function unsubscribes(count: number, firstId: number): string {
  return Array.from({ length: count }, (_, n) =>
    JSON.stringify({ id: firstId + n, unsubscribe: { channel: "news:1" } }),
  ).join("\n");
}

async function unsubscribeTimes(socket: FrameSocket, count: number): Promise<WireLine[]> {
  socket.send(unsubscribes(count, 2));
  const replies: WireLine[] = [];
  for (let id = 2; id < 2 + count; id += 1) replies.push(await socket.reply(id));
  return replies;
}
