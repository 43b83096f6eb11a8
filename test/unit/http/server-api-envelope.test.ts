import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { Fault } from "../../../src/core/faults.ts";
import { settled } from "../../support/gateway-world.ts";
import { API_KEY, serverApiWorld } from "../../support/server-api-world.ts";

const CHAT = parseChannel("chat:1");
const PUBLISHED = '{"result":{"offset":1,"epoch":"epochone"}}';
const UNKNOWN_CHANNEL = '{"error":{"code":102,"message":"unknown channel"}}';
const NOT_FOUND = '{"error":{"code":104,"message":"not found"}}';
const NOT_AN_OBJECT =
  '{"error":{"code":107,"message":"bad request","detail":"it is not a JSON object"}}';

/** Counts how many appends run at a time, at most. */
function mostAppends({ streams }: ReturnType<typeof serverApiWorld>): () => number {
  const append = streams.append.bind(streams);
  let running = 0;
  let most = 0;
  streams.append = async (entry) => {
    running += 1;
    most = Math.max(most, running);
    await settled();
    running -= 1;
    return append(entry);
  };
  return () => most;
}

/** The data of every publication of chat:1, oldest first. */
async function keptData({ streams }: ReturnType<typeof serverApiWorld>): Promise<string[]> {
  const { publications } = await streams.history(CHAT, { limit: 100, ttlMs: 60_000 });
  return publications.map(({ data }) => data);
}

describe("how a call of the server API travels", () => {
  const BODY = '{"channel":"news:today","data":1}';

  test.each<readonly [name: string, init: RequestInit, path?: string]>([
    ["the header X-API-Key", { headers: { "x-api-key": API_KEY } }],
    ["Authorization: apikey", { headers: { authorization: `apikey ${API_KEY}` } }],
    ["Authorization: ApiKey", { headers: { authorization: `ApiKey ${API_KEY}` } }],
    ["Authorization: Bearer", { headers: { authorization: `Bearer ${API_KEY}` } }],
    ["the query", {}, `/api/publish?api_key=${API_KEY}`],
    ["the other key", { headers: { "x-api-key": "another-key-0123456789" } }],
  ])("lets the backend in by %s", async (_, init, path = "/api/publish") => {
    const headers = { "x-api-key": "", ...init.headers };
    const { status, text } = await serverApiWorld().ask(path, { body: BODY, headers });
    expect([status, text]).toEqual([200, '{"result":{}}']);
  });

  test.each<readonly [name: string, init: RequestInit, code: string]>([
    ["no key", {}, "api_key_missing"],
    ["an empty key", { headers: { authorization: "apikey " } }, "api_key_missing"],
    ["a wrong key", { headers: { "x-api-key": `${API_KEY}x` } }, "api_key_wrong"],
    ["Basic credentials", { headers: { authorization: `Basic ${API_KEY}` } }, "api_key_missing"],
    ["the key of development", { headers: { "x-api-key": "dev" } }, "api_key_wrong"],
  ])("answers 401 to %s, and logs it", async (_, init, code) => {
    const it = serverApiWorld();
    const headers = { "x-api-key": "", ...init.headers };
    const { status, text } = await it.ask("/api/publish", { body: BODY, headers });
    expect(status).toBe(401);
    expect(JSON.parse(text)).toMatchObject({ status: 401, code });
    expect(it.log.of("api.refused")).toEqual([{ code, address: "192.0.2.7" }]);
  });

  test.each(["/api", "/api/batch", "/api/publish"])("answers 401 on %s", async (path) => {
    const headers = { "x-api-key": "nonsense" };
    expect((await serverApiWorld().ask(path, { body: "{}", headers })).status).toBe(401);
  });

  test.each(["GET", "PUT", "OPTIONS", "DELETE"])("answers 405 to %s", async (method) => {
    const { status, headers } = await serverApiWorld().ask("/api/info", { method });
    expect([status, headers.get("allow")]).toEqual([405, "POST"]);
  });

  test.each<readonly [path: string, body: string]>([
    ["/api/publish", ""],
    ["/api/publish", "{"],
    ["/api/publish", "[]"],
    ["/api/publish", "null"],
    ["/api/nonsense", "nonsense"],
    ["/api/batch", "[]"],
    ["/api", ""],
    ["/api", "[]"],
    ["/api", '{"method":"info"}\n{'],
  ])("answers 400 on %s to %j", async (path, body) => {
    const { status, text } = await serverApiWorld().ask(path, { body });
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ code: "body_malformed" });
  });

  test("answers 413 to a body that is too large", async () => {
    const body = "x".repeat(2_000_001);
    expect((await serverApiWorld().ask("/api/publish", { body })).status).toBe(413);
  });

  test.each<readonly [method: string, body: object, status: number, error: object]>([
    ["publish", { channel: "nowhere:1", data: 1 }, 404, { code: 102, message: "unknown channel" }],
    ["nonsense", {}, 404, { code: 104, message: "not found" }],
    ["publish", { channel: CHAT }, 400, { code: 107, message: "bad request" }],
    ["batch", { commands: 5 }, 400, { code: 107, message: "bad request" }],
    ["presence", { channel: "news:1" }, 400, { code: 108, message: "not available" }],
    [
      "history",
      { channel: CHAT, since: { offset: 0, epoch: "x" } },
      416,
      { code: 112, message: "unrecoverable position" },
    ],
  ])("in error mode transport answers %s %j with %d", async (...[method, body, status, error]) => {
    const headers = { "x-centrifugo-error-mode": "transport" };
    const init = { body: JSON.stringify(body), headers };
    const answer = await serverApiWorld().ask(`/api/${method}`, init);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject(error);
    expect(answer.headers.get("content-type")).toBe("application/json");
  });

  test.each<readonly [name: string, thrown: Error, status: number, code: number]>([
    ["a failing store", new Fault("store_failed"), 500, 100],
    ["a busy store", new Fault("store_busy"), 500, 100],
    ["a bug", new Error("bug"), 500, 100],
    ["a conflict", new Fault("channel_taken"), 409, 113],
  ])("in error mode transport answers %s", async (...[, thrown, status, code]) => {
    const it = serverApiWorld();
    it.streams.append = () => Promise.reject(thrown);
    const headers = { "x-centrifugo-error-mode": "transport" };
    const answer = await it.ask("/api/publish", { body: '{"channel":"chat:1","data":1}', headers });
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([status, code]);
  });

  test("in error mode transport a result is as it always is", async () => {
    const headers = { "x-centrifugo-error-mode": "transport" };
    const { status, text } = await serverApiWorld().ask("/api/publish", { body: BODY, headers });
    expect([status, text]).toEqual([200, '{"result":{}}']);
  });

  test("logs a refused call without its content, and an accepted one only when asked for", async () => {
    const it = serverApiWorld();
    await it.call("publish", { channel: CHAT, data: "canary", tags: 5 });
    await it.call("publish", { channel: CHAT, data: "canary" });
    expect(it.log.of("api.refused")).toMatchObject([
      { method: "publish", code: "api_request_invalid", detail: expect.stringContaining("tags: ") },
    ]);
    expect(it.log.of("api.called")).toEqual([{ method: "publish" }]);
    expect(JSON.stringify(it.log.lines)).not.toContain("canary");
  });
});

describe("with --dev", () => {
  const ask = (address: string, headers: Record<string, string> = {}) =>
    serverApiWorld({ dev: true }).ask(
      "/api/info",
      { body: "{}", headers: { "x-api-key": "dev", ...headers } },
      address,
    );

  test.each(["127.0.0.1", "127.9.8.7", "::1"])("the key dev is good from %s", async (address) => {
    expect((await ask(address)).status).toBe(200);
  });

  test.each(["192.0.2.7", "10.0.0.1", "::2", "", "127.0.0.1.example.com"])(
    "the key dev is refused from %j",
    async (address) => {
      const { status, text } = await ask(address);
      expect(status).toBe(401);
      expect(JSON.parse(text)).toMatchObject({ code: "api_key_wrong" });
    },
  );

  test.each<readonly [name: string, headers: Record<string, string>, status: number]>([
    ["through a proxy", { "x-forwarded-for": "192.0.2.7" }, 401],
    ["through a proxy of the newer kind", { forwarded: "for=192.0.2.7" }, 401],
    ["through one that sets X-Real-IP only", { "x-real-ip": "192.0.2.7" }, 401],
    ["through the blog post's nginx", { "x-real_ip": "192.0.2.7" }, 401],
    ["through one that names itself only", { via: "1.1 proxy" }, 401],
    ["through Cloudflare", { "cf-connecting-ip": "192.0.2.7" }, 401],
    ["through an nginx that was told nothing", { connection: "close" }, 401],
    ["through one that always upgrades", { connection: "upgrade" }, 401],
    ["over a connection that is kept", { connection: "keep-alive" }, 200],
    ["through a tunnel", { host: "push.example.com" }, 401],
    ["at a name that only begins like this machine", { host: "localhost.evil.example" }, 401],
    ["at this machine's name", { host: "localhost:8077" }, 200],
    ["at this machine's address", { host: "127.0.0.1:8077" }, 200],
    ["at this machine's other address", { host: "[::1]:8077" }, 200],
    ["by a page of somebody else", { origin: "https://example.com" }, 401],
    ["by a page of nobody", { origin: "null" }, 401],
    ["by a page of this machine", { origin: "http://127.0.0.1:8077" }, 200],
    ["by a page of localhost", { origin: "http://localhost:3000" }, 200],
    ["by a page of ::1", { origin: "http://[::1]:8077" }, 200],
  ])("the key dev %s is answered %j %d", async (_, headers, status) => {
    expect((await ask("127.0.0.1", headers)).status).toBe(status);
  });

  test("a configured key is good from anywhere all the same", async () => {
    expect((await ask("192.0.2.7", { "x-api-key": API_KEY })).status).toBe(200);
  });
});

describe("POST /api/batch", () => {
  test("answers each command under its own name, in order", async () => {
    const commands = [
      { publish: { channel: CHAT, data: 1 } },
      { broadcast: { channels: ["news:1"], data: 1 } },
      { publish: { channel: "nowhere:1", data: 1 } },
      { history: { channel: CHAT, limit: 1 } },
      { info: null },
      { nonsense: {} },
      { batch: { commands: [] } },
      { publish: 5 },
      { id: 7, unsubscribe: { user: "anna" } },
      { id: 8, rpc: { method: "x" } },
    ];
    expect(await serverApiWorld().call("batch", { commands })).toBe(
      `{"replies":[${[
        '{"publish":{"offset":1,"epoch":"epochone"}}',
        '{"broadcast":{"responses":[{"result":{}}]}}',
        UNKNOWN_CHANNEL,
        '{"history":{"publications":[{"data":1,"offset":1}],"epoch":"epochone","offset":1}}',
        NOT_FOUND,
        NOT_FOUND,
        NOT_FOUND,
        NOT_AN_OBJECT,
        '{"id":7,"unsubscribe":{}}',
        '{"id":8,"error":{"code":104,"message":"not found"}}',
      ].join()}]}`,
    );
  });

  test.each(["{}", '{"commands":null}', '{"commands":[]}', '{"commands":[],"parallel":true}'])(
    "answers %s with no replies",
    async (body) => {
      expect(await serverApiWorld().call("batch", body)).toBe('{"replies":[]}');
    },
  );

  test("passes data on byte for byte", async () => {
    const it = serverApiWorld();
    const body =
      '{"commands":[{"publish":{"data":{"b":1.0,"a":12345678901234567890},"channel":"chat:1"}}]}';
    await it.call("batch", body);
    expect(await keptData(it)).toEqual(['{"b":1.0,"a":12345678901234567890}']);
  });

  test("keeps errors in their places, also in error mode transport", async () => {
    const headers = { "x-centrifugo-error-mode": "transport" };
    const body = JSON.stringify({ commands: [{ presence: { channel: "nowhere:1" } }] });
    const { status, text } = await serverApiWorld().ask("/api/batch", { body, headers });
    expect([status, text]).toEqual([200, `{"replies":[${UNKNOWN_CHANNEL}]}`]);
  });

  test.each([
    [false, 1],
    [true, 3],
  ])("with parallel %p runs %d of three at a time", async (parallel, expected) => {
    const it = serverApiWorld();
    const most = mostAppends(it);
    const publish = { channel: CHAT, data: 1 };
    const answer = await it.call("batch", {
      parallel,
      commands: [1, 2, 3].map(() => ({ publish })),
    });
    expect(JSON.parse(answer).replies).toHaveLength(3);
    expect(most()).toBe(expected);
  });

  test("refuses more commands than it may have", async () => {
    const commands = Array.from({ length: 10_001 }, () => ({}));
    const answer = JSON.parse(await serverApiWorld().call("batch", { commands }));
    expect(answer).toMatchObject({
      error: { code: 107, detail: expect.stringContaining("commands: ") },
    });
  });
});

describe("POST /api", () => {
  test("answers commands of the older form, one per line", async () => {
    const body = [
      '{"method":"publish","params":{"channel":"chat:1","data":1.0}}',
      '{"id":2,"method":"presence_stats","params":{"channel":"chat:1"}}',
      "",
      '{"method":"unsubscribe","params":{"user":"anna"}}',
      '{"id":3,"method":"nonsense","params":{}}',
      '{"method":"info"}',
      '{"method":"publish","params":[]}',
    ].join("\n");
    const { status, text } = await serverApiWorld().ask("/api", { body });
    expect(status).toBe(200);
    expect(text.split("\n")).toEqual([
      PUBLISHED,
      '{"id":2,"result":{"num_clients":0,"num_users":0}}',
      '{"result":{}}',
      '{"id":3,"error":{"code":104,"message":"not found"}}',
      expect.stringContaining('{"result":{"nodes":[{"uid":"node-1"'),
      NOT_AN_OBJECT,
    ]);
  });

  test("takes one command that is written on several lines", async () => {
    const body = JSON.stringify({ method: "publish", params: { channel: CHAT, data: 1 } }, null, 2);
    expect((await serverApiWorld().ask("/api", { body })).text).toBe(PUBLISHED);
  });

  test("does one command after the other", async () => {
    const it = serverApiWorld();
    const most = mostAppends(it);
    const line = '{"method":"publish","params":{"channel":"chat:1","data":1}}';
    await it.ask("/api", { body: `${line}\n${line}` });
    expect(await keptData(it)).toHaveLength(2);
    expect(most()).toBe(1);
  });

  test("does nothing at all when one line is no command", async () => {
    const it = serverApiWorld();
    const body = '{"method":"publish","params":{"channel":"chat:1","data":1}}\nnonsense';
    expect((await it.ask("/api", { body })).status).toBe(400);
    expect(await keptData(it)).toEqual([]);
  });
});
