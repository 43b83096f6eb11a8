import { describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { createTokens } from "../../../src/auth/tokens.ts";
import { parseChannel } from "../../../src/core/channel.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { Fault } from "../../../src/core/faults.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { makeJwt } from "../../support/jwt.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const NOW_S = NOW_MS / 1000;
const SECRET = "current-secret-0123456789abcdefgh";
const PREVIOUS = "previous-secret-0123456789abcdefg";
const OTHER = "another-secret-0123456789abcdefgh";

const clock = new FakeClock(NOW_MS);
const tokens = createTokens({ secret: SECRET, previousSecret: PREVIOUS, clock });

type Json = Readonly<Record<string, unknown>>;

function make(
  claims: Json | string,
  { header = {}, secret = SECRET }: { header?: Json; secret?: string } = {},
): string {
  return makeJwt({ claims, header, key: secret });
}

async function refusal(token: string, verifier = tokens): Promise<Fault> {
  try {
    await verifier.verify(token);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("Cannot go on: the token was accepted");
}

describe("verify()", () => {
  test("reads every claim", async () => {
    const claims = {
      sub: "alice",
      exp: NOW_S + 60,
      iat: NOW_S,
      info: { name: "Alice", n: [1, null] },
      channels: ["chat:1", "device:42", "chat:1"],
      subs: {
        "chat:2": { info: { x: 1 }, data: [2], override: { presence: { value: true } } },
        "chat:3": { override: {} },
      },
      devices: ["42", "43", "42"],
      meta: { plan: "gold" },
      aud: "x",
      iss: "y",
      jti: "z",
    };
    const { subs, ...verified } = await tokens.verify(make(claims));
    expect(verified).toEqual({
      user: "alice",
      expiresAtMs: NOW_MS + 65_000,
      info: '{"name":"Alice","n":[1,null]}',
      channels: [parseChannel("chat:1"), parseChannel("device:42")],
      devices: [parseDeviceId("42"), parseDeviceId("43")],
      meta: '{"plan":"gold"}',
    });
    expect([...subs]).toEqual([
      [parseChannel("chat:2"), { info: '{"x":1}', data: "[2]", override: { presence: true } }],
      [parseChannel("chat:3"), {}],
    ]);
  });

  test.each([{}, { iat: NOW_S }, { sub: "" }, { info: null }])(
    "takes %j for an anonymous user whose connection never ends",
    async (claims) => {
      const verified = await tokens.verify(make(claims));
      expect(verified).toEqual({ user: "", channels: [], devices: [], subs: new Map() });
    },
  );

  test("reads which commands may be sent to which device", async () => {
    const claims = { commands: { 42: ["lamp.*", "ping", "ping"], 43: [] } };
    const { commands = new Map(), devices } = await tokens.verify(make(claims));
    expect([...commands]).toEqual([
      [parseDeviceId("42"), ["lamp.*", "ping"]],
      [parseDeviceId("43"), []],
    ]);
    expect(devices).toEqual([]);
  });

  test("reads JSON in base64", async () => {
    const b64 = Buffer.from('{"n": 1.0}').toString("base64");
    const { info, subs } = await tokens.verify(
      make({ b64info: b64, subs: { c: { b64data: b64, b64info: b64 } } }),
    );
    expect(info).toBe('{"n": 1.0}');
    expect(subs.get(parseChannel("c"))).toEqual({ info: '{"n": 1.0}', data: '{"n": 1.0}' });
  });

  test("keeps payloads byte for byte, whatever JSON.parse would make of them", async () => {
    const odd = '{"n":12345678901234567890, "f":1.0,"2":0,"1":0,"1":"\\u00e9 €"}';
    const { info, meta, subs } = await tokens.verify(
      make(`\uFEFF{"info":${odd},"meta":${odd},"subs":{"c":{"info":${odd},"data":1.0}}}`),
    );
    expect([info, meta]).toEqual([odd, odd]);
    expect(subs.get(parseChannel("c"))).toEqual({ info: odd, data: "1.0" });
  });

  test("strips payloads of line breaks, which would end a frame", async () => {
    const { info } = await tokens.verify(
      make({ b64info: Buffer.from('{\r\n"n":\n1.0}').toString("base64") }),
    );
    const { meta } = await tokens.verify(make('{"meta":{\r\n"n":\n1.0}}'));
    expect([info, meta]).toEqual(['{"n":1.0}', '{"n":1.0}']);
  });

  test.each(["HS256", "HS384", "HS512"])("accepts a token signed with %s", async (alg) => {
    expect((await tokens.verify(makeJwt({ claims: { sub: "bob" }, key: SECRET, alg }))).user).toBe(
      "bob",
    );
    const other = makeJwt({ claims: { sub: "bob" }, key: OTHER, alg });
    expect((await refusal(other)).code).toBe("token_invalid");
  });

  test("does not mind names twice within the payload of a claim", async () => {
    const { subs } = await tokens.verify(make('{"subs":{"a":{"data":{"x":1,"x":2}}},"sub":"u"}'));
    expect([...subs.keys()]).toEqual([parseChannel("a")]);
  });

  test("accepts a token signed with the previous secret", async () => {
    expect((await tokens.verify(make({ sub: "bob" }, { secret: PREVIOUS }))).user).toBe("bob");
  });

  test("accepts no previous secret where none is set", async () => {
    const strict = createTokens({ secret: SECRET, clock });
    const token = make({ sub: "bob" }, { secret: PREVIOUS });
    await expect(strict.verify(token)).rejects.toThrow("its signature does not fit");
  });

  test("lets expire_at end the connection instead of exp, 0 being never", async () => {
    const exp = NOW_S + 60;
    const endOf = async (claims: Json) => (await tokens.verify(make(claims))).expiresAtMs;
    expect(await endOf({ exp, expire_at: NOW_S + 600 })).toBe(NOW_MS + 605_000);
    expect(await endOf({ exp, expire_at: 0 })).toBeUndefined();
  });

  test.each([
    ["exp", { exp: NOW_S - 4 }],
    ["exp with a fraction", { exp: NOW_S - 4.5 }],
    ["nbf", { nbf: NOW_S + 5 }],
    ["expire_at", { expire_at: NOW_S - 4 }],
  ])(
    "bears a clock that is 5 seconds off in %s, and ends no such connection at once",
    async (_, claims) => {
      const { expiresAtMs = Number.POSITIVE_INFINITY } = await tokens.verify(make(claims));
      expect(expiresAtMs).toBeGreaterThan(NOW_MS);
    },
  );

  test.each([
    ["its exp is over", { exp: NOW_S - 5 }],
    ["its exp is over", { exp: 0 }],
    ["its nbf is not reached yet", { nbf: NOW_S + 6 }],
    ["its expire_at is over", { exp: NOW_S + 60, expire_at: NOW_S - 5 }],
  ])("says of a token out of its time that it is expired: %s", async (detail, claims) => {
    const fault = await refusal(make(claims));
    expect([fault.code, fault.detail]).toEqual(["token_expired", detail]);
  });

  test("goes by its own clock, not by the machine's", async () => {
    const later = new FakeClock(NOW_MS + 120_000);
    const token = make({ exp: NOW_S + 60 });
    await tokens.verify(token);
    await expect(createTokens({ secret: SECRET, clock: later }).verify(token)).rejects.toThrow(
      "exp",
    );
  });

  test.each([
    ["sub", { sub: 7 }],
    ["sub", { sub: null }],
    ["exp", { exp: "tomorrow" }],
    ["exp", { exp: 1e300 }],
    ["nbf", { nbf: "x" }],
    ["iat", { iat: "x" }],
    ["expire_at", { expire_at: "x" }],
    ["commands", { commands: ["ping"] }],
    ["commands", { commands: { 42: "ping" } }],
    ["commands", { commands: { 42: [""] } }],
    ["commands", { commands: { 42: ["[a"] } }],
    ["commands", { commands: { "../x": ["ping"] } }],
    ["commands", { commands: { 42: Array(33).fill("ping") } }],
    ["expire_at", { expire_at: -1 }],
    ["channels", { channels: "chat" }],
    ["channels", { channels: ["a b"] }],
    ["channels", { channels: ["a", 1] }],
    ["channels", { channels: ["x".repeat(256)] }],
    ["subs", { subs: { "a b": {} } }],
    ["subs", { subs: { a: 1 } }],
    ["subs", { subs: ["a"] }],
    ["subs", { subs: { a: { b64data: "e30=x" } } }],
    ["subs", { subs: { a: { override: { presence: true } } } }],
    ["devices", { devices: ["../x"] }],
    ["devices", { devices: { "42": true } }],
    ["b64info", { b64info: "bm90IGpzb24=" }],
    ["channel", { channel: "chat" }],
    ["channel", { channel: "" }],
  ])("refuses a token whose claim %s is malformed: %j", async (claim, claims) => {
    const fault = await refusal(make(claims));
    expect(fault.code).toBe("token_invalid");
    expect(fault.detail).toStartWith(`its claim ${claim} is malformed`);
  });
});

describe("verify() of forgeries", () => {
  const payload = Buffer.from(JSON.stringify({ sub: "canary" })).toString("base64url");
  const headerOf = (header: Json): string =>
    Buffer.from(JSON.stringify(header)).toString("base64url");
  const good = make({ sub: "canary" });
  const [head = "", body = "", signature = ""] = good.split(".");
  const flipped = `${signature[0] === "A" ? "B" : "A"}${signature.slice(1)}`;

  test.each([
    ["another secret", make({ sub: "canary" }, { secret: OTHER }), "its signature does not fit"],
    ["a changed signature", `${head}.${body}.${flipped}`, "its signature does not fit"],
    ["a changed payload", `${head}.${payload}A.${signature}`, "its signature does not fit"],
    ["no signature", `${head}.${body}.`, "its signature does not fit"],
    [
      "alg none",
      `${headerOf({ alg: "none" })}.${payload}.`,
      "its algorithm is none of HS256, HS384, HS512",
    ],
    [
      "alg None",
      `${headerOf({ alg: "None" })}.${payload}.`,
      "its algorithm is none of HS256, HS384, HS512",
    ],
    [
      "alg none and a good MAC",
      make({ sub: "canary" }, { header: { alg: "none" } }),
      "its algorithm is none of HS256, HS384, HS512",
    ],
    [
      "alg HS512 over a SHA-256 MAC",
      make({ sub: "canary" }, { header: { alg: "HS512" } }),
      "its signature does not fit",
    ],
    [
      "alg as a list",
      make({ sub: "canary" }, { header: { alg: ["HS256"] } }),
      "it is no signed JWT",
    ],
    [
      "a certificate of its own elsewhere",
      make({ sub: "canary" }, { secret: OTHER, header: { x5u: "https://evil.example/cert" } }),
      "its signature does not fit",
    ],
    ["a claim twice", make('{"sub":"canary","sub":"eve"}'), "it says something twice"],
    [
      "a claim twice, once in disguise",
      make(String.raw`{"sub":"canary","s\u0075b":"eve"}`),
      "it says something twice",
    ],
    [
      "a header twice",
      makeJwt({ claims: {}, header: '{"alg":"HS256","typ":"canary","typ":"JWT"}', key: SECRET }),
      "it says something twice",
    ],
    [
      "alg RS256 over a MAC",
      make({ sub: "canary" }, { header: { alg: "RS256" } }),
      "its algorithm is none of HS256, HS384, HS512",
    ],
    [
      "alg hs256",
      make({ sub: "canary" }, { header: { alg: "hs256" } }),
      "its algorithm is none of HS256, HS384, HS512",
    ],
    ["no alg", `${headerOf({ typ: "JWT" })}.${payload}.${signature}`, "it is no signed JWT"],
    [
      "an unknown extension",
      make({ sub: "canary" }, { header: { crit: ["x"], x: 1 } }),
      "it needs an extension",
    ],
    [
      "an unencoded payload",
      make({ sub: "canary" }, { header: { crit: ["b64"], b64: false } }),
      "",
    ],
    [
      "kid that walks",
      make({ sub: "canary" }, { secret: "", header: { kid: "../../dev/null" } }),
      "its signature does not fit",
    ],
    [
      "a key of its own",
      make(
        { sub: "canary" },
        {
          secret: OTHER,
          header: { jwk: { kty: "oct", k: Buffer.from(OTHER).toString("base64url") } },
        },
      ),
      "its signature does not fit",
    ],
    [
      "a key of its own elsewhere",
      make({ sub: "canary" }, { secret: OTHER, header: { jku: "https://evil.example/keys" } }),
      "its signature does not fit",
    ],
    ["a payload that is no object", make("[]"), "it is no signed JWT"],
    ["a payload that is no JSON", make("canary"), "it is no signed JWT"],
    ["two parts", `${head}.${body}`, "it is no signed JWT"],
    ["four parts", `${good}.canary`, "it is no signed JWT"],
    ["five parts", `${good}.canary.canary`, "it is no signed JWT"],
    ["a space before it", ` ${good}`, "its signature does not fit"],
    ["the word canary", "canary", "it is no signed JWT"],
    ["nothing", "", "it is no signed JWT"],
    ["two dots", "..", "it is no signed JWT"],
    ["what is no base64", "€.€.€", "it is no signed JWT"],
    ["a lot", `canary${"A".repeat(100_000)}`, "it is longer than 8192 characters"],
    [
      "a good token of more than 8 KiB",
      make({ sub: "canary", pad: "A".repeat(6_200) }),
      "it is longer",
    ],
  ])("refuses %s and repeats nothing of it", async (_, token, detail) => {
    const fault = await refusal(token);
    expect(fault.code).toBe("token_invalid");
    expect(fault.detail).toStartWith(detail);
    expect(fault.cause).toBeUndefined();
    for (const part of ["canary", ...token.split(".").filter((it) => it.length > 3)]) {
      expect(`${fault.message}${fault.stack}`).not.toContain(part);
    }
  });

  test("refuses a real RS256 token where only a secret is known", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const token = makeJwt({ claims: { sub: "a" }, key: privateKey, alg: "RS256" });
    expect((await refusal(token)).detail).toBe("its algorithm is none of HS256, HS384, HS512");
  });

  test("refuses every token with one character changed, with a fault and nothing else", async () => {
    for (let index = 0; index < good.length - 1; index += 1) {
      const token = `${good.slice(0, index)}${good[index] === "x" ? "y" : "x"}${good.slice(index + 1)}`;
      expect((await refusal(token)).code).toBe("token_invalid");
    }
  });
});

describe("verify() with an audience and an issuer", () => {
  const strict = createTokens({ secret: SECRET, audience: "posthorn", issuer: "login", clock });

  test.each([
    { aud: "posthorn", iss: "login" },
    { aud: ["shop", "posthorn"], iss: "login" },
  ])("accepts %j", async (claims) => {
    expect((await strict.verify(make({ sub: "a", ...claims }))).user).toBe("a");
  });

  test.each([
    ["its claim aud is not tokens.audience", { iss: "login" }],
    ["its claim aud is not tokens.audience", { aud: "shop", iss: "login" }],
    ["its claim aud is not tokens.audience", { aud: ["shop", "posthorn2"], iss: "login" }],
    ["its claim aud is not tokens.audience", { aud: { posthorn: true }, iss: "login" }],
    ["its claim aud is not tokens.audience", { aud: "", iss: "login" }],
    ["its claim iss is not tokens.issuer", { aud: "posthorn" }],
    ["its claim iss is not tokens.issuer", { aud: "posthorn", iss: "Login" }],
    ["its claim iss is not tokens.issuer", { aud: "posthorn", iss: ["login"] }],
  ])("says %p of %j", async (detail, claims) => {
    const fault = await refusal(make({ sub: "a", ...claims }), strict);
    expect([fault.code, fault.detail]).toEqual(["token_invalid", detail]);
  });
});

describe("verify() with another claim for the user", () => {
  const named = createTokens({ secret: SECRET, userClaim: "user_id", clock });

  test("takes the user from there, whatever sub says", async () => {
    expect((await named.verify(make({ sub: 7, user_id: "alice" }))).user).toBe("alice");
    expect((await named.verify(make({ sub: "alice" }))).user).toBe("");
  });

  test("refuses a user that is no text, and what an object inherits is no claim", async () => {
    const fault = await refusal(make({ user_id: 7 }), named);
    expect(fault.detail).toBe("its claim user_id is malformed, wanted a text");
    const inherited = createTokens({ secret: SECRET, userClaim: "constructor", clock });
    expect((await inherited.verify(make({}))).user).toBe("");
  });
});
