import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { Fault } from "../../../src/core/faults.ts";
import { connected, type GatewayWorld, send } from "../../support/gateway-world.ts";
import { serverApiWorld } from "../../support/server-api-world.ts";

const CHAT = parseChannel("chat:1");

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** A request in which `detail` names what is wrong. */
function badRequest(detail: string): string {
  return JSON.stringify({ error: { code: 107, message: "bad request", detail } });
}

const UNKNOWN_CHANNEL = '{"error":{"code":102,"message":"unknown channel"}}';
const NOT_FOUND = '{"error":{"code":104,"message":"not found"}}';
const NOT_AVAILABLE = '{"error":{"code":108,"message":"not available"}}';

describe("POST /api/{method} of an empty server", () => {
  test.each<readonly [method: string, request: string, answer: string]>([
    ["publish", '{"channel":"chat:1","data":1}', '{"result":{"offset":1,"epoch":"epochone"}}'],
    ["publish", '{"channel":"chat:1","data":null}', '{"result":{"offset":1,"epoch":"epochone"}}'],
    ["publish", '{"channel":"news:today","data":{}}', '{"result":{}}'],
    ["publish", '{"channel":"chat:1","data":1,"skip_history":true}', '{"result":{}}'],
    ["publish", '{"channel":"nowhere:1","data":1}', UNKNOWN_CHANNEL],
    ["publish", '{"channel":"chat:1"}', badRequest("data: wanted any JSON")],
    [
      "publish",
      '{"channel":"chat:1","data":1,"tags":null,"new":9}',
      '{"result":{"offset":1,"epoch":"epochone"}}',
    ],
    [
      "broadcast",
      '{"channels":["chat:1","news:today","nowhere:1"],"data":1}',
      `{"result":{"responses":[{"result":{"offset":1,"epoch":"epochone"}},{"result":{}},${UNKNOWN_CHANNEL}]}}`,
    ],
    ["broadcast", '{"channels":["chat:1"]}', badRequest("data: wanted any JSON")],
    ["subscribe", '{"user":"nobody","channel":"chat:1"}', '{"result":{}}'],
    ["subscribe", '{"user":"nobody","channel":"nowhere:1"}', UNKNOWN_CHANNEL],
    ["unsubscribe", '{"user":"nobody","channel":""}', '{"result":{}}'],
    ["unsubscribe", '{"user":"nobody"}', '{"result":{}}'],
    ["unsubscribe", '{"user":"nobody","channel":"nowhere:1"}', UNKNOWN_CHANNEL],
    ["disconnect", '{"user":"nobody"}', '{"result":{}}'],
    ["refresh", '{"user":"nobody"}', '{"result":{}}'],
    ["presence", '{"channel":"chat:1"}', '{"result":{"presence":{}}}'],
    ["presence", '{"channel":"news:today"}', NOT_AVAILABLE],
    ["presence", '{"channel":"nowhere:1"}', UNKNOWN_CHANNEL],
    ["presence_stats", '{"channel":"chat:1"}', '{"result":{"num_clients":0,"num_users":0}}'],
    ["presence_stats", '{"channel":"news:today"}', NOT_AVAILABLE],
    [
      "history",
      '{"channel":"chat:1"}',
      '{"result":{"publications":[],"epoch":"epochone","offset":0}}',
    ],
    ["history", '{"channel":"news:today"}', NOT_AVAILABLE],
    ["history", '{"channel":"nowhere:1"}', UNKNOWN_CHANNEL],
    [
      "history",
      '{"channel":"chat:1","since":{"offset":1,"epoch":"another"}}',
      '{"error":{"code":112,"message":"unrecoverable position"}}',
    ],
    [
      "history",
      '{"channel":"chat:1","since":{"offset":0},"reverse":true}',
      badRequest("nothing comes before offset 0"),
    ],
    ["history_remove", '{"channel":"chat:1"}', '{"result":{}}'],
    ["history_remove", '{"channel":"news:today"}', NOT_AVAILABLE],
    ["channels", "{}", '{"result":{"channels":{}}}'],
    ["channels", '{"pattern":"["}', badRequest("a [ is not closed")],
    [
      "info",
      "{}",
      '{"result":{"nodes":[{"uid":"node-1","name":"here","version":"1.2.3","num_clients":0,"num_users":0,"num_subs":0,"num_channels":0,"uptime":0}]}}',
    ],
    ["rpc", '{"method":"anything","params":{}}', NOT_FOUND],
    ["nonsense", "{}", NOT_FOUND],
    ["toString", "{}", NOT_FOUND],
    ["map_publish", '{"channel":"chat:1"}', NOT_AVAILABLE],
  ])("answers %s %s with %s", async (method, request, answer) => {
    expect(await serverApiWorld().call(method, request)).toBe(answer);
  });

  test.each<readonly [method: string, request: string, detail: string]>([
    ["publish", '{"data":1}', "channel: got nothing, wanted a string"],
    ["publish", '{"channel":"","data":1}', 'channel: got "", wanted at least 1 character'],
    ["publish", '{"channel":5,"data":1}', "channel: got 5, wanted a string"],
    ["publish", '{"channel":"a b","data":1}', 'got "a b", wanted printable ASCII'],
    ["publish", `{"channel":"${"x".repeat(256)}","data":1}`, "got 256 characters"],
    ["publish", '{"channel":"chat:1","data":1,"tags":{"a":1}}', "tags.a: "],
    ["publish", '{"channel":"chat:1","data":1,"skip_history":"yes"}', "skip_history: "],
    ["publish", '{"channel":"chat:1","data":1,"version":-1}', "version: "],
    ["publish", '{"channel":"chat:1","data":1,"version":1.5}', "version: "],
    ["publish", '{"channel":"chat:1","b64data":"!"}', "b64data: "],
    ["publish", `{"channel":"chat:1","b64data":"${base64("{")}"}`, "b64data: it holds no JSON"],
    ["publish", '{"channel":"chat:1","b64data":"Iv8i"}', "b64data: it holds no JSON"],
    ["broadcast", '{"channels":[],"data":1}', "channels: "],
    ["broadcast", '{"channels":"chat:1","data":1}', "channels: "],
    ["broadcast", '{"channels":[5],"data":1}', "channels.0: "],
    ["subscribe", '{"user":"anna"}', "channel: "],
    ["subscribe", '{"channel":"chat:1"}', "wanted user, client or session"],
    ["subscribe", '{"user":"anna","channel":"chat:1","expire_at":1}', "expire_at: it is over"],
    ["subscribe", '{"user":"anna","channel":"chat:1","expire_at":"soon"}', "expire_at: "],
    [
      "subscribe",
      '{"user":"anna","channel":"chat:1","override":{"presence":true}}',
      'wanted {"value":true}',
    ],
    [
      "subscribe",
      '{"user":"anna","channel":"chat:1","recover_since":{"offset":"1"}}',
      "recover_since.offset: ",
    ],
    [
      "subscribe",
      '{"user":"anna","channel":"chat:1","b64info":"eyI="}',
      "b64info: it holds no JSON",
    ],
    ["unsubscribe", "{}", "wanted user, client or session"],
    ["disconnect", "{}", "wanted user, client or session"],
    ["disconnect", '{"user":"anna","disconnect":{"code":1000}}', "disconnect.code: "],
    ["disconnect", '{"user":"anna","disconnect":{"reason":"x"}}', "disconnect.code: "],
    [
      "disconnect",
      `{"user":"anna","disconnect":{"code":4000,"reason":"${"é".repeat(62)}"}}`,
      "disconnect.reason: ",
    ],
    ["disconnect", '{"user":"anna","whitelist":"id"}', "whitelist: "],
    ["refresh", '{"client":""}', "wanted user, client or session"],
    ["refresh", '{"user":"anna","expired":1}', "expired: "],
    ["history", '{"channel":"chat:1","limit":"all"}', "limit: "],
    ["rpc", "{}", "method: "],
    ["channels", '{"pattern":5}', "pattern: "],
    ["batch", '{"commands":5}', "commands: "],
    ["batch", '{"commands":[5]}', "commands.0: "],
  ])("refuses %s %s and names what is wrong", async (method, request, detail) => {
    const { error, ...others } = JSON.parse(await serverApiWorld().call(method, request));
    expect(error).toEqual({
      code: 107,
      message: "bad request",
      detail: expect.stringContaining(detail),
    });
    expect(others).toEqual({});
  });
});

const PUBLISHED = '{"result":{"offset":1,"epoch":"epochone"}}';

/** Every publication of a channel, oldest first. */
async function kept({ streams }: GatewayWorld, channel = CHAT) {
  const query = { limit: 100, ttlMs: 60_000 };
  return (await streams.history(channel, query)).publications;
}

describe("POST /api/publish", () => {
  test("passes data on byte for byte, but for line breaks", async () => {
    const it = serverApiWorld();
    const data = '{"b":1.0,"a":12345678901234567890,\n"a":"\\u00e9"}';
    await it.call("publish", `{"channel":"chat:1","data": ${data} }`);
    expect((await kept(it)).map((publication) => publication.data)).toEqual([
      data.replace("\n", ""),
    ]);
  });

  test("takes data in base64, which counts before plain data", async () => {
    const it = serverApiWorld();
    const request = { channel: CHAT, data: "plain", b64data: base64('{"é": 1.0}') };
    expect(await it.call("publish", request)).toBe(PUBLISHED);
    expect((await kept(it)).map(({ data }) => data)).toEqual(['{"é": 1.0}']);
  });

  test("passes tags on", async () => {
    const it = serverApiWorld();
    await it.call("publish", { channel: CHAT, data: 1, tags: { k: "v" } });
    expect(await kept(it)).toMatchObject([{ tags: { k: "v" } }]);
  });

  test("answers a repeated idempotency key with the first place and publishes nothing", async () => {
    const it = serverApiWorld();
    const request = { channel: CHAT, data: 1, idempotency_key: "k" };
    expect(await it.call("publish", request)).toBe(PUBLISHED);
    expect(await it.call("publish", { ...request, data: 2 })).toBe(PUBLISHED);
    const elsewhere = { ...request, channel: "chat:2" };
    expect(await it.call("publish", elsewhere)).toBe(PUBLISHED);
    expect((await kept(it)).map(({ data }) => data)).toEqual(["1"]);
    expect(await kept(it, parseChannel("chat:2"))).toHaveLength(1);
  });

  test.each([
    ["idempotency_key", "a\0b"],
    ["idempotency_key", "\ud800"],
    ["idempotency_key", "k".repeat(129)],
    ["version_epoch", "a\0b"],
    ["version_epoch", "\udfff"],
    ["version_epoch", "k".repeat(129)],
  ])("answers 107 to the %s %j, and publishes nothing", async (name, key) => {
    const it = serverApiWorld();
    const request = { data: 1, version: 1, [name]: key };
    for (const [method, where] of [
      ["publish", { channel: CHAT }],
      ["broadcast", { channels: [CHAT] }],
    ] as const) {
      const { error } = JSON.parse(await it.call(method, { ...where, ...request }));
      expect(error).toMatchObject({ code: 107, detail: expect.stringContaining(name) });
    }
    expect(await kept(it)).toEqual([]);
    expect(it.log.of("http.bug")).toEqual([]);
  });

  test("takes keys of 128 characters, and none for an empty one", async () => {
    const it = serverApiWorld();
    const key = "ü".repeat(128);
    await it.call("publish", { channel: CHAT, data: 1, idempotency_key: key, version_epoch: key });
    await it.call("publish", { channel: CHAT, data: 2, idempotency_key: "" });
    await it.call("publish", { channel: CHAT, data: 3, idempotency_key: "" });
    expect((await kept(it)).map(({ data }) => data)).toEqual(["1", "2", "3"]);
  });

  test("publishes only what is newer by its version, within one epoch of versions", async () => {
    const it = serverApiWorld();
    const publish = (data: number, version: number, version_epoch?: string) =>
      it.call("publish", { channel: CHAT, data, version, version_epoch });
    await publish(1, 5, "a");
    expect(await publish(2, 5, "a")).toBe(PUBLISHED);
    await publish(3, 6, "a");
    await publish(4, 1, "b");
    await publish(5, 0);
    expect((await kept(it)).map(({ data }) => data)).toEqual(["1", "3", "4", "5"]);
  });

  test("delivers to who listens, also what is not kept", async () => {
    const it = serverApiWorld();
    const { socket, handler } = await connected(it);
    await send(handler, { id: 2, subscribe: { channel: CHAT } });
    await it.call("publish", { channel: CHAT, data: 1 });
    await it.call("publish", { channel: CHAT, data: 2, skip_history: true });
    expect(socket.frames.slice(-2)).toEqual([
      '{"push":{"channel":"chat:1","pub":{"data":1,"offset":1}}}',
      '{"push":{"channel":"chat:1","pub":{"data":2}}}',
    ]);
  });
});

describe("POST /api/broadcast", () => {
  test("takes each channel for itself", async () => {
    const it = serverApiWorld();
    const answer = await it.call("broadcast", { channels: ["", "chat:1", "a b"], data: 1 });
    const { responses } = JSON.parse(answer).result;
    expect(responses).toMatchObject([
      { error: { code: 107 } },
      { result: { offset: 1 } },
      { error: { code: 107 } },
    ]);
  });

  test("remembers an idempotency key by channel", async () => {
    const it = serverApiWorld();
    const request = { channels: ["chat:1", "chat:2"], data: 1, idempotency_key: "k" };
    const first = await it.call("broadcast", request);
    expect(await it.call("broadcast", request)).toBe(first);
    expect(first).toBe(`{"result":{"responses":[${PUBLISHED},${PUBLISHED}]}}`);
  });

  test("refuses more channels than it may have, before it publishes to any", async () => {
    const it = serverApiWorld();
    const channels = Array.from({ length: 10_001 }, () => CHAT);
    const answer = JSON.parse(await it.call("broadcast", { channels, data: 1 }));
    expect(answer).toMatchObject({
      error: { code: 107, detail: expect.stringContaining("channels: ") },
    });
    expect(await kept(it)).toEqual([]);
  });
});

describe("the server API about what channels hold", () => {
  async function published(count: number) {
    const it = serverApiWorld();
    for (let data = 1; data <= count; data += 1) await it.call("publish", { channel: CHAT, data });
    const history = async (request: object) => {
      const { result } = JSON.parse(await it.call("history", { channel: CHAT, ...request }));
      return result.publications.map(({ offset }: { offset: number }) => offset);
    };
    return { ...it, history };
  }

  test("history answers a page", async () => {
    const it = await published(2);
    expect(await it.call("history", { channel: CHAT, limit: 1 })).toBe(
      '{"result":{"publications":[{"data":1,"offset":1}],"epoch":"epochone","offset":2}}',
    );
  });

  test.each<readonly [request: object, offsets: readonly number[]]>([
    [{}, []],
    [{ limit: 0 }, []],
    [{ limit: -1 }, [1, 2, 3]],
    [{ limit: 2, reverse: true }, [3, 2]],
    [{ limit: -1, since: { offset: 1, epoch: "epochone" } }, [2, 3]],
    [{ limit: -1, since: { offset: 1 } }, [2, 3]],
    [{ limit: -1, since: { offset: 3, epoch: "epochone" }, reverse: true }, [2, 1]],
  ])("history of %j are the offsets %j", async (request, offsets) => {
    expect(await (await published(3)).history(request)).toEqual([...offsets]);
  });

  test("history reads more at once than clients may", async () => {
    const retention = { sizeMax: 500, ttlMs: 60_000 };
    const it = serverApiWorld({ namespaces: { chat: { retention } } });
    const commands = Array.from({ length: 400 }, () => ({ publish: { channel: CHAT, data: 1 } }));
    await it.call("batch", { commands });
    const { result } = JSON.parse(await it.call("history", { channel: CHAT, limit: -1 }));
    expect(result.publications).toHaveLength(400);
  });

  test("history_remove forgets publications and goes on counting", async () => {
    const it = await published(2);
    expect(await it.call("history_remove", { channel: CHAT })).toBe('{"result":{}}');
    expect(await it.history({ limit: -1 })).toEqual([]);
    expect(await it.call("publish", { channel: CHAT, data: 3 })).toBe(
      '{"result":{"offset":3,"epoch":"epochone"}}',
    );
  });
});

describe("the server API about who is connected", () => {
  /** Two clients of anna, both in chat:1. */
  async function crowd() {
    const it = serverApiWorld();
    const clients = [await connected(it), await connected(it)] as const;
    for (const { handler } of clients) await send(handler, { id: 2, subscribe: { channel: CHAT } });
    const [first, second] = it.registry.ofUser("anna").map(({ id }) => id);
    return { ...it, clients, ids: { first: first ?? "", second: second ?? "" } };
  }

  test("presence and presence_stats", async () => {
    const { call, ids } = await crowd();
    expect(await call("presence", { channel: CHAT })).toBe(
      `{"result":{"presence":{"${ids.first}":{"user":"anna","client":"${ids.first}"},"${ids.second}":{"user":"anna","client":"${ids.second}"}}}}`,
    );
    expect(await call("presence_stats", { channel: CHAT })).toBe(
      '{"result":{"num_clients":2,"num_users":1}}',
    );
  });

  test("channels, all or those of a pattern", async () => {
    const { call, clients } = await crowd();
    await send(clients[0].handler, { id: 3, subscribe: { channel: "news:today" } });
    expect(await call("channels", {})).toBe(
      '{"result":{"channels":{"chat:1":{"num_clients":2},"news:today":{"num_clients":1}}}}',
    );
    expect(await call("channels", { pattern: "new*" })).toBe(
      '{"result":{"channels":{"news:today":{"num_clients":1}}}}',
    );
    expect(await call("channels", { pattern: "nothing" })).toBe('{"result":{"channels":{}}}');
  });

  test("info counts who was let in, and for how long the node runs", async () => {
    const { call, clock, clients } = await crowd();
    await send(clients[0].handler, { id: 3, subscribe: { channel: "news:today" } });
    clock.advance(2500);
    expect(JSON.parse(await call("info", {})).result.nodes).toEqual([
      {
        uid: "node-1",
        name: "here",
        version: "1.2.3",
        num_clients: 2,
        num_users: 1,
        num_subs: 3,
        num_channels: 2,
        uptime: 2,
      },
    ]);
  });
});

describe("the server API when the store fails", () => {
  test("answers 100 without saying why, and logs it", async () => {
    const it = serverApiWorld();
    it.streams.append = () => Promise.reject(new Fault("store_failed", { detail: "canary" }));
    expect(await it.call("publish", { channel: CHAT, data: 1 })).toBe(
      '{"error":{"code":100,"message":"internal server error"}}',
    );
    expect(it.log.of("http.unavailable")).toEqual([
      { method: "publish", code: "store_failed", why: "Cannot store: canary" },
    ]);
  });

  test("answers 100 to a bug, and logs it", async () => {
    const it = serverApiWorld();
    it.streams.append = () => Promise.reject(new TypeError("canary"));
    expect(await it.call("broadcast", { channels: [CHAT], data: 1 })).toBe(
      '{"result":{"responses":[{"error":{"code":100,"message":"internal server error"}}]}}',
    );
    expect(it.log.of("http.bug")).toMatchObject([{ method: "broadcast" }]);
  });
});
