import { describe, expect, test } from "bun:test";
import { createBackend } from "../../../src/callbacks/backend.ts";
import { parseChannel } from "../../../src/core/channel.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { BackendUser } from "../../../src/core/ports/backend.ts";
import { FakeBackend } from "./fake-backend.ts";

/** Nothing of this may change on its way: a big number, a float, the order of keys, a name twice. */
const ODD = '{"n":12345678901234567890,"f":1.0,"2":0,"1":0,"1":"\\u00e9 €"}';
const CHAT = parseChannel("chat:1");
const CLIENT = { client: "c-1", transport: "websocket", headers: {} };
const ALICE: BackendUser = { ...CLIENT, user: "alice" };

async function refusal(asking: Promise<unknown>): Promise<Fault> {
  try {
    await asking;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("Cannot go on: there was an answer");
}

describe("createBackend()", () => {
  test("has the methods that have a URL, and no other", () => {
    const web = { send: () => Promise.reject(new Error("Cannot happen: nothing is asked here")) };
    const options = { timeoutMs: 1_000, headers: [], web };
    expect(createBackend({ urls: {}, ...options })).toEqual({});
    const { rpc, ...others } = createBackend({ urls: { rpc: "http://x/" }, ...options });
    expect(rpc).toBeFunction();
    expect(others).toEqual({});
  });
});

describe("questions", () => {
  test("are posted as JSON to the URL of their kind", async () => {
    using fake = new FakeBackend();
    await fake.connectTo().rpc({ ...ALICE, method: "m" });
    const [asked] = fake.asked;
    expect([asked?.path, asked?.method]).toEqual(["/rpc", "POST"]);
    expect(asked?.headers.get("content-type")).toBe("application/json");
    expect(asked?.headers.get("authorization")).toBeNull();
  });

  test("of connect say who comes and what it sent", async () => {
    using fake = new FakeBackend();
    const backend = fake.connectTo();
    await backend.connect(CLIENT);
    await backend.connect({ ...CLIENT, data: ODD, name: "js", version: "1", channels: ["a", "b"] });
    await backend.connect({ ...CLIENT, name: "", version: "", channels: [] });
    const common = '"client":"c-1","transport":"websocket","protocol":"json","encoding":"json"';
    expect(fake.asked.map(({ body }) => body)).toEqual([
      `{${common}}`,
      `{${common},"data":${ODD},"name":"js","version":"1","channels":["a","b"]}`,
      `{${common}}`,
    ]);
  });

  test("of refresh say whose connection it is", async () => {
    using fake = new FakeBackend();
    const backend = fake.connectTo();
    await backend.refresh(ALICE);
    await backend.refresh({ ...ALICE, user: "", meta: ODD });
    const common = '"client":"c-1","transport":"websocket","protocol":"json","encoding":"json"';
    expect(fake.asked.map(({ path, body }) => [path, body])).toEqual([
      ["/refresh", `{${common},"user":"alice"}`],
      ["/refresh", `{${common},"user":"","meta":${ODD}}`],
    ]);
  });

  test("of subscribe, publish and rpc say what for", async () => {
    using fake = new FakeBackend();
    const backend = fake.connectTo();
    await backend.subscribe({ ...ALICE, channel: CHAT });
    await backend.subscribe({ ...ALICE, channel: CHAT, token: 't"', data: ODD, meta: "{}" });
    await backend.publish({ ...ALICE, channel: CHAT, data: ODD });
    await backend.rpc({ ...ALICE, method: "" });
    await backend.rpc({ ...ALICE, method: "a\nb", data: ODD });
    const common =
      '"client":"c-1","transport":"websocket","protocol":"json","encoding":"json","user":"alice"';
    expect(fake.asked.map(({ path, body }) => [path, body])).toEqual([
      ["/subscribe", `{${common},"channel":"chat:1"}`],
      ["/subscribe", `{${common},"meta":{},"channel":"chat:1","token":"t\\"","data":${ODD}}`],
      ["/publish", `{${common},"channel":"chat:1","data":${ODD}}`],
      ["/rpc", `{${common},"method":""}`],
      ["/rpc", `{${common},"method":"a\\nb","data":${ODD}}`],
    ]);
  });

  test("carry the listed headers of the client, and no header that could forge another", async () => {
    using fake = new FakeBackend();
    const backend = fake.connectTo({
      headers: ["cookie", "x-real-ip", "x-bad", "x-euro", "constructor"],
    });
    const headers = {
      cookie: "a=1; b=2",
      "x-bad": "1\r\nx-forged: 1",
      "x-euro": "5 €",
      "x-other": "no",
      host: "evil.example",
    };
    await backend.refresh({ ...ALICE, headers });
    const sent = Object.fromEntries(fake.asked[0]?.headers ?? []);
    expect(sent).toMatchObject({ cookie: "a=1; b=2" });
    for (const name of ["x-real-ip", "x-bad", "x-forged", "x-euro", "x-other", "constructor"]) {
      expect(Object.hasOwn(sent, name)).toBe(false);
    }
    expect(sent["host"]).toStartWith("127.0.0.1:");
  });

  test("carry the operator's own credentials, whatever the client sent", async () => {
    using fake = new FakeBackend();
    const backend = fake.connectTo({ authorization: "Bearer s3cret", headers: ["authorization"] });
    await backend.refresh({ ...ALICE, headers: { authorization: "Bearer eve" } });
    expect(fake.asked[0]?.headers.get("authorization")).toBe("Bearer s3cret");
  });
});

describe("results", () => {
  test("of connect are what a token would say, and data", async () => {
    using fake = new FakeBackend();
    const b64 = Buffer.from('{"f": 1.0}').toString("base64");
    fake.answer = `{"result":{
      "user":"alice","expire_at":1800000000.2,"info":${ODD},"data":${ODD},"meta":${ODD},
      "channels":["a","b","a"],"devices":["42","42"],
      "subs":{"c":{"info":${ODD},"data":null,"override":{"presence":{"value":true}}},"d":{"b64info":"${b64}"}},
      "caps":[1]}}`;
    const answer = await fake.connectTo().connect(CLIENT);
    expect(answer).toEqual({
      result: {
        user: "alice",
        expiresAtMs: 1_800_000_001_000,
        info: ODD,
        data: ODD,
        meta: ODD,
        channels: [parseChannel("a"), parseChannel("b")],
        devices: [parseDeviceId("42")],
        subs: new Map([
          [parseChannel("c"), { info: ODD, override: { presence: true } }],
          [parseChannel("d"), { info: '{"f": 1.0}' }],
        ]),
      },
    });
  });

  test.each([
    "{}",
    '{"user":null,"expire_at":0,"info":null,"data":null,"channels":null,"subs":null,"meta":null}',
  ])("of connect may be as short as %s: an anonymous user", async (result) => {
    using fake = new FakeBackend();
    fake.answer = `{"result":${result},"error":null,"disconnect":null}`;
    expect(await fake.connectTo().connect(CLIENT)).toEqual({
      result: { user: "", channels: [], devices: [], subs: new Map() },
    });
  });

  test("of refresh give a new end, or say that it is over", async () => {
    using fake = new FakeBackend();
    const backend = fake.connectTo();
    fake.answer = `{"result":{"expire_at":1800000000,"info":${ODD},"meta":[1.0]}}`;
    expect(await backend.refresh(ALICE)).toEqual({
      result: { expired: false, expiresAtMs: 1_800_000_000_000, info: ODD, meta: "[1.0]" },
    });
    fake.answer = '{"result":{"expired":true}}';
    expect(await backend.refresh(ALICE)).toEqual({ result: { expired: true } });
  });

  test("of subscribe say how", async () => {
    using fake = new FakeBackend();
    const backend = fake.connectTo();
    fake.answer = `{"result":{"expire_at":1800000000,"info":${ODD},"data":1.0,"override":{"force_recovery":{"value":true}}}}`;
    expect(await backend.subscribe({ ...ALICE, channel: CHAT })).toEqual({
      result: {
        expiresAtMs: 1_800_000_000_000,
        info: ODD,
        data: "1.0",
        override: { forceRecovery: true },
      },
    });
    fake.answer = '{"result":{}}';
    expect(await backend.subscribe({ ...ALICE, channel: CHAT })).toEqual({ result: {} });
  });

  test("of publish say how, and may replace the data", async () => {
    using fake = new FakeBackend();
    const backend = fake.connectTo();
    const question = { ...ALICE, channel: CHAT, data: "1" };
    fake.answer = `{"result":{"data":${ODD},"skip_history":true,"tags":{"k":"v"},"idempotency_key":"i","delta":true,"version":7,"version_epoch":"e"}}`;
    expect(await backend.publish(question)).toEqual({
      result: {
        data: ODD,
        skipHistory: true,
        tags: { k: "v" },
        idempotencyKey: "i",
        delta: true,
        version: 7,
        versionEpoch: "e",
      },
    });
    fake.answer = '{"result":{"data":null,"tags":null}}';
    expect(await backend.publish(question)).toEqual({
      result: { skipHistory: false, delta: false, version: 0, versionEpoch: "" },
    });
  });

  test.each([
    [`{"data":${ODD}}`, { data: ODD }],
    ['{"data":12345678901234567890}', { data: "12345678901234567890" }],
    ['{"data":null}', { data: "null" }],
    ['{"data":0}', { data: "0" }],
    ['{"data":1,"data":2}', { data: "2" }],
    [`{"b64data":"${btoa('{"f": 1.0}')}"}`, { data: '{"f": 1.0}' }],
    ["{}", {}],
  ])("of rpc pass %s byte for byte", async (result, wanted) => {
    using fake = new FakeBackend();
    fake.answer = `{"result":${result}}`;
    expect(await fake.connectTo().rpc({ ...ALICE, method: "m" })).toEqual({ result: wanted });
  });

  test("lose the line breaks of their payloads, which would end a frame", async () => {
    using fake = new FakeBackend();
    fake.answer = '{\n "result": {\r\n  "data": {\n   "f": 1.0\r\n  }\n }\n}\n';
    const answer = await fake.connectTo().rpc({ ...ALICE, method: "m" });
    expect(answer).toEqual({ result: { data: '{   "f": 1.0  }' } });
  });
});

describe("refusals by the backend", () => {
  test.each([
    [
      { code: 1000, message: "no", temporary: true },
      { code: 1000, message: "no", temporary: true },
    ],
    [{ code: 400 }, { code: 400, message: "", temporary: false }],
    [
      { code: 403, message: null, temporary: null },
      { code: 403, message: "", temporary: false },
    ],
  ])("pass on as an error: %j", async (error, wanted) => {
    using fake = new FakeBackend();
    fake.answer = JSON.stringify({ result: null, error });
    expect(await fake.connectTo().connect(CLIENT)).toEqual({ error: wanted });
  });

  test.each([
    [
      { code: 4501, reason: "go" },
      { code: 4501, reason: "go" },
    ],
    [{ code: 3000 }, { code: 3000, reason: "" }],
    [
      { code: 4999, reason: "é".repeat(100) },
      { code: 4999, reason: "é".repeat(61) },
    ],
    [
      { code: 4000, reason: "😀".repeat(31) },
      { code: 4000, reason: "😀".repeat(30) },
    ],
  ])("pass on as an end, with a reason that fits a close frame: %j", async (disconnect, wanted) => {
    using fake = new FakeBackend();
    fake.answer = JSON.stringify({ disconnect });
    expect(await fake.connectTo().subscribe({ ...ALICE, channel: CHAT })).toEqual({
      disconnect: wanted,
    });
  });

  test("weigh more than a result beside them", async () => {
    using fake = new FakeBackend();
    const backend = fake.connectTo();
    fake.answer = '{"result":{"user":"eve"},"error":{"code":403}}';
    expect(await backend.connect(CLIENT)).not.toHaveProperty("result");
    fake.answer = '{"result":{"user":"eve"},"error":{"code":403},"disconnect":{"code":4500}}';
    expect(await backend.connect(CLIENT)).toEqual({ disconnect: { code: 4500, reason: "" } });
  });
});

describe("answers of no use", () => {
  test.each([
    ["", "something that is not JSON"],
    ["<html>canary</html>", "something that is not JSON"],
    ['{"result":{"user":"canary"}', "something that is not JSON"],
    ["null", "JSON that is no object"],
    ['["canary"]', "JSON that is no object"],
    ["{}", "neither result, error nor disconnect"],
    ['{"result":null}', "neither result, error nor disconnect"],
    ['{"result":"canary"}', "a malformed result"],
    ['{"result":[]}', "a malformed result"],
    ['{"result":{"user":7}}', "a malformed result.user"],
    ['{"result":{"expire_at":"canary"}}', "a malformed result.expire_at"],
    ['{"result":{"expire_at":-1}}', "a malformed result.expire_at"],
    ['{"result":{"b64info":"***canary"}}', "a malformed result.b64info"],
    ['{"result":{"b64info":"Y2FuYXJ5"}}', "something that is not JSON"],
    [`{"result":{"b64data":"${btoa('"\xff"')}"}}`, "something that is not JSON"],
    ['{"result":{"channels":["a canary"]}}', "something that cannot be used (channel_malformed)"],
    ['{"result":{"channels":"canary"}}', "a malformed result.channels"],
    ['{"result":{"subs":{"a canary":{}}}}', "something that cannot be used (channel_malformed)"],
    ['{"result":{"subs":{"canary":1}}}', "a malformed result.subs"],
    ['{"result":{"subs":{"a":{"override":{"presence":"canary"}}}}}', "(override_malformed)"],
    ['{"result":{"devices":["../canary"]}}', "something that cannot be used (device_malformed)"],
    ['{"error":{"message":"canary"}}', "a malformed error.code"],
    ['{"error":{"code":0}}', "a malformed error.code"],
    ['{"error":"canary"}', "a malformed error"],
    ['{"disconnect":{"code":1000,"reason":"canary"}}', "a malformed disconnect.code"],
    ['{"disconnect":{"code":5000}}', "a malformed disconnect.code"],
  ])("%s is told as unreachable, without what it says", async (text, wanted) => {
    using fake = new FakeBackend();
    fake.answer = text;
    const fault = await refusal(fake.connectTo().connect(CLIENT));
    expect(fault.code).toBe("backend_unreachable");
    expect(fault.detail).toStartWith("callbacks.connect: it answered with ");
    expect(fault.detail).toContain(wanted);
    if (!wanted.includes("subs")) expect(fault.message).not.toContain("canary");
  });

  test.each([
    ['{"idempotency_key":"canary\\u0000"}', "a malformed result.idempotency_key"],
    ['{"idempotency_key":"canary\\ud800"}', "a malformed result.idempotency_key"],
    [`{"idempotency_key":"${"k".repeat(129)}"}`, "a malformed result.idempotency_key"],
    ['{"version_epoch":"canary\\u0000"}', "a malformed result.version_epoch"],
  ])("%s about a publication is told as unreachable", async (result, wanted) => {
    using fake = new FakeBackend();
    fake.answer = `{"result":${result}}`;
    const fault = await refusal(fake.connectTo().publish({ ...ALICE, channel: CHAT, data: "1" }));
    expect(fault.code).toBe("backend_unreachable");
    expect(fault.detail).toBe(`callbacks.publish: it answered with ${wanted}`);
  });

  test.each([201, 204, 400, 401, 403, 404, 500, 503])(
    "status %d is one, whatever comes with it",
    async (status) => {
      using fake = new FakeBackend();
      fake.answer = () => new Response(status === 204 ? null : '{"result":{}}', { status });
      const fault = await refusal(fake.connectTo().publish({ ...ALICE, channel: CHAT, data: "1" }));
      expect([fault.code, fault.kind]).toEqual(["backend_unreachable", "unavailable"]);
      expect(fault.detail).toBe(`callbacks.publish: it answered with status ${status}`);
    },
  );

  test("a redirect is one, and nobody follows it", async () => {
    using fake = new FakeBackend();
    fake.answer = ({ path }) =>
      path === "/rpc" ? Response.redirect("/elsewhere", 307) : new Response('{"result":{}}');
    const fault = await refusal(fake.connectTo().rpc({ ...ALICE, method: "m" }));
    expect(fault.detail).toContain("redirects are not followed");
    expect(fake.asked.map(({ path }) => path)).toEqual(["/rpc"]);
  });

  test("one that is too long is one", async () => {
    using fake = new FakeBackend();
    fake.answer = `{"result":{"data":"${"x".repeat(LIMITS.backendAnswerMaxBytes)}"}}`;
    const fault = await refusal(fake.connectTo().rpc({ ...ALICE, method: "m" }));
    expect(fault.detail).toBe("callbacks.rpc: it answered with more than 1048576 bytes");
  });

  test("one that does not come in time is one", async () => {
    using fake = new FakeBackend();
    const { promise, resolve } = Promise.withResolvers<void>();
    fake.answer = () => {
      resolve();
      return new Promise(() => {});
    };
    const asking = refusal(fake.connectTo({ timeoutMs: 250 }).rpc({ ...ALICE, method: "m" }));
    await promise;
    fake.clock.advance(250);
    const fault = await asking;
    expect(fault.code).toBe("backend_unreachable");
    expect(fault.detail).toBe("callbacks.rpc: it did not answer within 250 ms");
  });
});

describe("many questions", () => {
  test("are asked a bounded number at a time, wait in a bounded queue, and are refused beyond it", async () => {
    let asked = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const web = {
      async send() {
        asked += 1;
        await promise;
        return { ok: true, status: 200, text: '{"result":{}}' } as const;
      },
    };
    const backend = createBackend({
      urls: { rpc: "http://x/" },
      timeoutMs: 1_000,
      headers: [],
      web,
    });
    const ask = () => backend.rpc?.({ ...ALICE, method: "m" });
    const count = LIMITS.backendQuestions + LIMITS.backendQuestionsQueued;
    const asking = Array.from({ length: count }, ask);
    const refused = await refusal(Promise.resolve(ask()));
    expect([refused.code, refused.kind]).toEqual(["backend_busy", "busy"]);
    expect(asked).toBe(LIMITS.backendQuestions);
    resolve();
    await Promise.all(asking);
    expect(asked).toBe(count);
  });
});
