import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../../src/core/channel.ts";
import { Fault } from "../../../../src/core/faults.ts";
import type { Backend, PublishGrant, PublishQuestion } from "../../../../src/core/ports/backend.ts";
import { connected, gatewayWorld, NEWS, send, settled } from "../../../support/gateway-world.ts";

const CHAT = parseChannel("chat:1");
const ASKED = parseChannel("asked:1");
const YES: PublishGrant = { skipHistory: false, delta: false, version: 0, versionEpoch: "" };
const RULES = { retention: { sizeMax: 5, ttlMs: 60_000 }, publishCallback: true };

async function publishing(it: ReturnType<typeof gatewayWorld>, request: object, token = "good") {
  const link = await connected(it, token);
  await send(link.handler, { id: 2, publish: request });
  return { ...link, reply: link.socket.replies[1] };
}

function worldThatAsks(publish: Backend["publish"], rules: object = {}) {
  const backend = publish === undefined ? {} : { publish };
  return gatewayWorld({ backend, namespaces: { asked: { ...RULES, ...rules } } });
}

async function kept(it: ReturnType<typeof gatewayWorld>) {
  const { publications } = await it.streams.history(ASKED, { limit: 10, ttlMs: 60_000 });
  return publications;
}

describe("publish", () => {
  test("reaches every subscriber byte for byte, with who it was, and then is answered", async () => {
    const it = gatewayWorld();
    const other = await connected(it, "bob");
    await send(other.handler, { id: 2, subscribe: { channel: CHAT } });
    const { socket, handler } = await connected(it, "known");
    await send(handler, { id: 2, subscribe: { channel: CHAT } });
    const data = '{"2":1.0,"1":9007199254740993, "text":"\\u00fc"}';
    handler.message(`{"id":3,"publish":{"channel":"chat:1","data":${data}}}`);
    await settled();
    const info = '{"user":"anna","client":"uuid-2","conn_info":{"name":"Anna"}}';
    const push = `{"push":{"channel":"chat:1","pub":{"data":${data},"info":${info},"offset":1}}}`;
    expect(socket.frames.slice(2)).toEqual([push, '{"id":3,"publish":{}}']);
    expect(other.socket.frames.at(-1)).toBe(push);
  });

  test("tells also what the publisher's subscription says of it", async () => {
    const it = gatewayWorld({
      tokens: { verifySubscription: async () => ({ info: '{"seat":1}' }) },
    });
    const { socket, handler } = await connected(it);
    await send(
      handler,
      { id: 2, subscribe: { channel: CHAT, token: "t" } },
      { id: 3, publish: { channel: CHAT, data: 1 } },
    );
    expect(socket.replies.at(-2)).toMatchObject({
      push: { pub: { info: { chan_info: { seat: 1 } } } },
    });
  });

  test.each<[string, object, number]>([
    ["nothing", { channel: CHAT }, 107],
    ["without being subscribed", { channel: CHAT, data: 1 }, 103],
    ["where nobody may", { channel: NEWS, data: 1 }, 103],
    ["in no namespace", { channel: "nowhere:1", data: 1 }, 102],
    ["in what is no channel", { channel: "with space", data: 1 }, 107],
  ])("of %s is refused with an error", async (_, request, code) => {
    const it = gatewayWorld();
    const { reply } = await publishing(it, request);
    expect(reply).toMatchObject({ id: 2, error: { code } });
    expect(it.host.published).toEqual([]);
  });

  test("is allowed to every signed-in client where the namespace says so", async () => {
    const namespaces = { open: { allowPublish: "client" as const } };
    const { reply } = await publishing(gatewayWorld({ namespaces }), {
      channel: "open:1",
      data: 1,
    });
    expect(reply).toEqual({ id: 2, publish: {} });
    const anonymous = await publishing(
      gatewayWorld({ namespaces }),
      { channel: "open:1", data: 1 },
      "anonymous",
    );
    expect(anonymous.reply).toMatchObject({ error: { code: 103 } });
  });

  test("that the store cannot keep is a temporary error", async () => {
    const it = gatewayWorld({ namespaces: { open: { allowPublish: "client" } } });
    it.streams.append = () => Promise.reject(new Fault("store_failed"));
    const { reply } = await publishing(it, { channel: "open:1", data: 1 });
    expect(reply).toMatchObject({ error: { code: 100, temporary: true } });
    expect(it.log.of("ws.unavailable")).toHaveLength(1);
  });
});

describe("the backend, asked about a publication", () => {
  test("is told who publishes what", async () => {
    const questions: PublishQuestion[] = [];
    const it = worldThatAsks(async (question) => {
      questions.push(question);
      return { result: YES };
    });
    const { reply } = await publishing(it, { channel: ASKED, data: { n: 1 } }, "known");
    expect(reply).toEqual({ id: 2, publish: {} });
    expect(questions).toEqual([
      {
        client: "uuid-1",
        transport: "websocket",
        headers: {},
        user: "anna",
        meta: '{"tier":1}',
        channel: ASKED,
        data: '{"n":1}',
      },
    ]);
    expect(await kept(it)).toMatchObject([{ data: '{"n":1}', offset: 1 }]);
  });

  test("replaces what is published", async () => {
    const grant = { ...YES, data: '{"n":2.0}', tags: { k: "v" } };
    const it = worldThatAsks(async () => ({ result: grant }));
    await publishing(it, { channel: ASKED, data: 1 });
    expect(await kept(it)).toMatchObject([{ data: '{"n":2.0}', tags: { k: "v" } }]);
  });

  test("keeps it out of the history", async () => {
    const it = worldThatAsks(async () => ({ result: { ...YES, skipHistory: true } }));
    const { reply } = await publishing(it, { channel: ASKED, data: 1 });
    expect(reply).toEqual({ id: 2, publish: {} });
    expect(await kept(it)).toEqual([]);
  });

  test("names a key that must not be published twice", async () => {
    const it = worldThatAsks(async () => ({ result: { ...YES, idempotencyKey: "k" } }));
    const { handler, socket } = await publishing(it, { channel: ASKED, data: 1 });
    await send(handler, { id: 3, publish: { channel: ASKED, data: 2 } });
    expect(socket.replies.at(-1)).toEqual({ id: 3, publish: {} });
    expect(await kept(it)).toMatchObject([{ data: "1" }]);
  });

  test("names a version, so that nothing older follows", async () => {
    const versions = [2, 1];
    const it = worldThatAsks(async () => ({ result: { ...YES, version: versions.shift() ?? 0 } }));
    const { handler, socket } = await publishing(it, { channel: ASKED, data: 1 });
    await send(handler, { id: 3, publish: { channel: ASKED, data: 2 } });
    expect(socket.replies.at(-1)).toEqual({ id: 3, publish: {} });
    expect(await kept(it)).toMatchObject([{ data: "1" }]);
  });

  test("refuses in its own words", async () => {
    const error = { code: 1001, message: "rude", temporary: false };
    const { reply } = await publishing(
      worldThatAsks(async () => ({ error })),
      { channel: ASKED, data: 1 },
    );
    expect(reply).toEqual({ id: 2, error: { code: 1001, message: "rude" } });
  });

  test("ends the connection in its own words", async () => {
    const disconnect = { code: 4500, reason: "banned" };
    const it = worldThatAsks(async () => ({ disconnect }));
    const { socket } = await publishing(it, { channel: ASKED, data: 1 });
    expect(socket.closed).toEqual(disconnect);
    expect(await kept(it)).toEqual([]);
  });

  test("that is not there leaves it to the namespace", async () => {
    const { reply } = await publishing(worldThatAsks(undefined), { channel: ASKED, data: 1 });
    expect(reply).toMatchObject({ error: { code: 103 } });
  });

  test("is not asked about an unrestricted client", async () => {
    const publish = () => Promise.reject(new Error("asked"));
    const namespaces = { asked: RULES };
    const it = gatewayWorld({ backend: { publish }, namespaces, unrestricted: true });
    const { reply } = await publishing(it, { channel: ASKED, data: 1 });
    expect(reply).toEqual({ id: 2, publish: {} });
  });
});
