import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Centrifuge } from "centrifuge";
import { BACKEND_KEY, Backend } from "../support/backend.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { Inbox } from "../support/inbox.ts";
import { type ConfigSections, startPosthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS, type Target } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const DONE = '{"result":{}}';

const CONFIG: ConfigSections = {
  api: { keys: ["the-key-before-this-one", BACKEND_KEY] },
  channels: {
    chat: { history_size: 10, presence: true, allow_subscribe: true },
    news: { allow_subscribe: true },
  },
};

async function startApi(target: Target) {
  const server = await startPosthorn(target, { config: CONFIG });
  return {
    server,
    backend: new Backend(server.url),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** A client on the npm package `centrifuge`, and all it was told, in order. */
class Sdk implements Disposable {
  readonly told = new Inbox<string>();
  readonly #centrifuge: Centrifuge;

  constructor(wsUrl: string, user: string) {
    const token = signToken({ sub: user });
    this.#centrifuge = new Centrifuge(`${wsUrl}/connection/websocket`, {
      token,
      websocket: WebSocket,
    });
    const tell = (what: string) => this.told.push(what);
    this.#centrifuge
      .on("connected", () => tell("connected"))
      .on("disconnected", ({ code, reason }) => tell(`disconnected ${code} ${reason}`))
      .on("subscribed", ({ channel, data }) =>
        tell(`subscribed ${channel} ${JSON.stringify(data)}`),
      )
      .on("unsubscribed", ({ channel }) => tell(`unsubscribed ${channel}`))
      .on("publication", ({ channel, data, offset, tags }) =>
        tell(`${channel} ${JSON.stringify({ data, offset, tags })}`),
      );
  }

  /** Connects, and subscribes by itself where a channel is named. */
  async join(channel?: string): Promise<void> {
    this.#centrifuge.connect();
    await this.hears("connected");
    if (channel === undefined) return;
    const own = this.#centrifuge.newSubscription(channel);
    own.on("subscribed", () => this.told.push(`joined ${channel}`));
    own.on("unsubscribed", ({ code, reason }) =>
      this.told.push(`left ${channel} ${code} ${reason}`),
    );
    own.on("publication", ({ data }) => this.told.push(`${channel} ${JSON.stringify({ data })}`));
    own.subscribe();
    await this.hears(`joined ${channel}`);
  }

  async hears(what: string): Promise<void> {
    await this.told.find((it) => it === what, { what });
  }

  [Symbol.dispose](): void {
    this.#centrifuge.disconnect();
  }
}

describe.each(TARGETS)("the server API on $name", (target) => {
  test("steers a live client of the npm package centrifuge", async () => {
    await using api = await startApi(target);
    const { backend, server } = api;
    using anna = new Sdk(server.wsUrl, "anna");
    using bob = new Sdk(server.wsUrl, "bob");
    await Promise.all([anna.join("chat:own"), bob.join("chat:own")]);

    const subscribe = { user: "anna", channel: "news:1", data: { why: "because" } };
    expect(await backend.call("subscribe", subscribe)).toBe(DONE);
    await anna.hears('subscribed news:1 {"why":"because"}');
    expect(await backend.call("publish", { channel: "news:1", data: 1, tags: { k: "v" } })).toBe(
      DONE,
    );
    await anna.hears('news:1 {"data":1,"tags":{"k":"v"}}');

    const broadcast = { channels: ["chat:own", "news:1", "nowhere:1"], data: 2 };
    const { responses } = await backend.result<{ responses: unknown[] }>("broadcast", broadcast);
    expect(responses).toEqual([
      { result: { offset: 1, epoch: expect.any(String) } },
      { result: {} },
      { error: { code: 102, message: "unknown channel" } },
    ]);
    await Promise.all([
      anna.hears('chat:own {"data":2}'),
      anna.hears('news:1 {"data":2}'),
      bob.hears('chat:own {"data":2}'),
    ]);

    expect(await backend.result<object>("channels", { pattern: "{chat,news}:*" })).toEqual({
      channels: { "chat:own": { num_clients: 2 }, "news:1": { num_clients: 1 } },
    });
    expect(await backend.result<object>("presence_stats", { channel: "chat:own" })).toEqual({
      num_clients: 2,
      num_users: 2,
    });

    expect(await backend.call("unsubscribe", { user: "anna", channel: "" })).toBe(DONE);
    await anna.hears("unsubscribed news:1");
    await anna.hears("left chat:own 2000 server unsubscribe");
    expect(await backend.call("disconnect", { user: "anna" })).toBe(DONE);
    await anna.hears("disconnected 3503 force disconnect");
    const disconnect = { code: 4500, reason: "somewhere else" };
    await backend.call("disconnect", { user: "bob", disconnect });
    await bob.hears("disconnected 4500 somewhere else");
    expect(bob.told.items.filter((it) => it.includes("news:1"))).toEqual([]);
  });

  test("recovers a server-side subscription from a position the backend names", async () => {
    await using api = await startApi(target);
    const { backend, server } = api;
    const places: { epoch: string }[] = [];
    for (const data of [1, 2, 3]) {
      places.push(await backend.result("publish", { channel: "chat:1", data }));
    }
    using anna = new Sdk(server.wsUrl, "anna");
    await anna.join();
    const recover_since = { offset: 1, epoch: places[0]?.epoch };
    await backend.call("subscribe", { user: "anna", channel: "chat:1", recover_since });
    await backend.call("publish", { channel: "chat:1", data: 4 });
    await anna.hears('chat:1 {"data":4,"offset":4}');
    expect(anna.told.items.slice(1)).toEqual([
      "subscribed chat:1 undefined",
      'chat:1 {"data":2,"offset":2}',
      'chat:1 {"data":3,"offset":3}',
      'chat:1 {"data":4,"offset":4}',
    ]);
  });

  test("refreshes a connection, and ends it when it has expired", async () => {
    await using api = await startApi(target);
    using socket = await FrameSocket.open(`${api.server.wsUrl}/connection/websocket`, {
      pongs: true,
    });
    socket.send(JSON.stringify({ id: 1, connect: { token: signToken({ sub: "anna" }) } }));
    await api.server.waitForLog("client.connected");
    const expire_at = Math.floor(Date.now() / 1000) + 1000;
    expect(await api.backend.call("refresh", { user: "anna", expire_at })).toBe(DONE);
    const push = await socket.lines.find((line) => line.includes("refresh"), { what: "the push" });
    expect(JSON.parse(push)).toEqual({
      push: { refresh: { expires: true, ttl: expect.any(Number) } },
    });
    expect(JSON.parse(push).push.refresh.ttl).toBeWithin(990, 1001);
    expect(await api.backend.call("refresh", { user: "anna", expired: true })).toBe(DONE);
    expect(await socket.closed).toEqual({ code: 3005, reason: "connection expired" });
  });

  test("keeps what it publishes in the store, once per key and never older than it is", async () => {
    await using api = await startApi(target);
    const { backend } = api;
    const channel = "chat:1";
    const place = await backend.call("publish", { channel, data: 1, idempotency_key: "k" });
    expect(place).toMatch(/^\{"result":\{"offset":1,"epoch":"[a-zA-Z]{8}"\}\}$/);
    expect(await backend.call("publish", { channel, data: 2, idempotency_key: "k" })).toBe(place);
    await backend.call("publish", { channel, data: 3, version: 5, version_epoch: "a" });
    await backend.call("publish", { channel, data: 4, version: 4, version_epoch: "a" });
    await backend.post(
      "/api/publish",
      '{"data":{"b":1.0,"a":12345678901234567890},"channel":"chat:1"}',
    );
    const history = await backend.call("history", { channel, limit: -1 });
    const { epoch } = JSON.parse(place).result;
    expect(history).toBe(
      `{"result":{"publications":[{"data":1,"offset":1},{"data":3,"offset":2},{"data":{"b":1.0,"a":12345678901234567890},"offset":3}],"epoch":"${epoch}","offset":3}}`,
    );
    expect(await backend.call("history_remove", { channel })).toBe(DONE);
    expect(await backend.call("history", { channel, limit: -1 })).toBe(
      `{"result":{"publications":[],"epoch":"${epoch}","offset":3}}`,
    );
  });

  test("tells of the node", async () => {
    await using api = await startApi(target);
    using anna = new Sdk(api.server.wsUrl, "anna");
    await anna.join("chat:1");
    const { nodes } = await api.backend.result<{ nodes: object[] }>("info", {});
    expect(nodes).toEqual([
      {
        uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
        name: expect.any(String),
        version: expect.any(String),
        num_clients: 1,
        num_users: 1,
        num_subs: 1,
        num_channels: 1,
        uptime: expect.any(Number),
      },
    ]);
  });

  test("takes many calls at once, in the form of today and in the one of before", async () => {
    await using api = await startApi(target);
    const commands = [
      { publish: { channel: "news:1", data: 1 } },
      { presence: { channel: "news:1" } },
    ];
    for (const parallel of [false, true]) {
      expect(await api.backend.call("batch", { commands, parallel })).toBe(
        '{"replies":[{"publish":{}},{"error":{"code":108,"message":"not available"}}]}',
      );
    }
    const lines =
      '{"method":"publish","params":{"channel":"news:1","data":1}}\n{"method":"nothing"}';
    expect(await api.backend.post("/api", lines)).toEqual({
      status: 200,
      text: '{"result":{}}\n{"error":{"code":104,"message":"not found"}}',
    });
  });

  test("lets in only who has a key, and never prints one", async () => {
    await using api = await startApi(target);
    const { server } = api;
    const status = async (path: string, headers: Record<string, string>, method = "POST") =>
      (
        await fetch(`${server.url}${path}`, {
          method,
          headers,
          ...(method === "POST" && { body: "{}" }),
        })
      ).status;
    expect(await status("/api/info", { "x-api-key": BACKEND_KEY })).toBe(200);
    expect(await status("/api/info", { authorization: `apikey ${BACKEND_KEY}` })).toBe(200);
    expect(await status("/api/info", { authorization: "Bearer the-key-before-this-one" })).toBe(
      200,
    );
    expect(await status(`/api/info?api_key=${BACKEND_KEY}`, {})).toBe(200);
    expect(await status("/api/info", {})).toBe(401);
    expect(await status("/api/info", { "x-api-key": "dev" })).toBe(401);
    expect(await status("/api/info?api_key=canary-of-a-wrong-key", {})).toBe(401);
    expect(await status("/api/info", { "x-api-key": BACKEND_KEY }, "GET")).toBe(405);
    expect(await status("/api/nothing/at/all", { "x-api-key": BACKEND_KEY })).toBe(404);
    expect((await api.backend.post("/api/info", "nonsense")).status).toBe(400);
    expect(
      (await api.backend.post("/api/publish", "{}", { "x-centrifugo-error-mode": "transport" }))
        .status,
    ).toBe(400);
    await server.waitForLog("api.refused", ({ code }) => code === "api_key_wrong");
    await server.stop();
    for (const key of [BACKEND_KEY, "canary-of-a-wrong-key"])
      expect(server.output).not.toContain(key);
  });

  test("with --dev takes the key dev from this machine, unless somebody else stands behind", async () => {
    await using server = await startPosthorn(target, { args: ["--dev"] });
    const dev = new Backend(server.url, { "x-api-key": "dev" });
    expect((await dev.post("/api/info", "{}")).status).toBe(200);
    expect((await dev.post("/api/info", "{}", { "x-forwarded-for": "192.0.2.1" })).status).toBe(
      401,
    );
    expect((await dev.post("/api/info", "{}", { origin: "https://example.com" })).status).toBe(401);
  });
});
