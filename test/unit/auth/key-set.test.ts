import { describe, expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { createKeySet } from "../../../src/auth/key-set.ts";
import { createTokens } from "../../../src/auth/tokens.ts";
import { Fault } from "../../../src/core/faults.ts";
import type { WebAnswer, WebClient, WebRequest } from "../../../src/core/ports/web-client.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { makeJwt } from "../../support/jwt.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const URL = "https://login.example.com/keys?api_key=canary-key";
const MINUTE_MS = 60_000;

const rsaA = generateKeyPairSync("rsa", { modulusLength: 2048 });
const rsaB = generateKeyPairSync("rsa", { modulusLength: 2048 });
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const ed = generateKeyPairSync("ed25519");

/** A key as issuers publish it. */
function jwk(key: KeyObject, more: Readonly<Record<string, unknown>> = {}): unknown {
  return { ...key.export({ format: "jwk" }), ...more };
}

/** A published key set whose answers a test decides. */
class FakeIssuer implements WebClient {
  readonly requests: WebRequest[] = [];
  answer: WebAnswer | Promise<WebAnswer> = { ok: false, why: "is not there" };

  publish(...keys: readonly unknown[]): void {
    this.answer = { ok: true, status: 200, text: JSON.stringify({ keys }) };
  }

  async send(request: WebRequest): Promise<WebAnswer> {
    this.requests.push(request);
    return this.answer;
  }
}

function setUp(...keys: readonly unknown[]) {
  const issuer = new FakeIssuer();
  if (keys.length > 0) issuer.publish(...keys);
  const clock = new FakeClock();
  const log = new RecordingLog();
  const source = createKeySet({ url: URL, web: issuer, clock, log });
  const tokens = createTokens({ sources: [source], clock });
  /** Who a token lets in, or the code of why it does not. */
  const outcomeOf = async (token: string): Promise<string> => {
    try {
      return `user ${(await tokens.verify(token)).user}`;
    } catch (error) {
      if (error instanceof Fault) return error.code;
      throw error;
    }
  };
  return { issuer, clock, log, tokens, outcomeOf };
}

function signed(
  key: KeyObject,
  alg: string,
  header: Readonly<Record<string, unknown>> = {},
): string {
  return makeJwt({ claims: { sub: "alice" }, key, alg, header });
}

const TOKEN_A = signed(rsaA.privateKey, "RS256", { kid: "a" });
const TOKEN_B = signed(rsaB.privateKey, "RS256", { kid: "b" });
const JWK_A = jwk(rsaA.publicKey, { kid: "a", alg: "RS256", use: "sig" });
const JWK_B = jwk(rsaB.publicKey, { kid: "b" });

describe("createKeySet()", () => {
  test.each([
    ["RS256", rsaA],
    ["RS384", rsaA],
    ["RS512", rsaA],
    ["ES256", p256],
    ["ES384", p384],
    ["EdDSA", ed],
    ["Ed25519", ed],
  ])("accepts %s with a published key", async (alg, { publicKey, privateKey }) => {
    const { outcomeOf } = setUp(jwk(publicKey, { kid: "k" }));
    expect(await outcomeOf(signed(privateKey, alg, { kid: "k" }))).toBe("user alice");
  });

  test("asks only when the first token comes, and once for many", async () => {
    const { issuer, outcomeOf, log } = setUp(JWK_A);
    expect(issuer.requests).toEqual([]);
    const outcomes = await Promise.all([TOKEN_A, TOKEN_A, TOKEN_A].map(outcomeOf));
    expect(outcomes).toEqual(["user alice", "user alice", "user alice"]);
    expect(issuer.requests).toEqual([
      {
        method: "GET",
        url: URL,
        headers: { accept: "application/jwk-set+json, application/json" },
        timeoutMs: 5_000,
        answerMaxBytes: 262_144,
      },
    ]);
    expect(log.lines).toEqual([
      {
        level: "info",
        event: "keys.loaded",
        fields: { url: "https://login.example.com/keys", keys: 1 },
      },
    ]);
  });

  test("asks again when the keys get old, and forgets those that are not published any more", async () => {
    const { issuer, clock, outcomeOf } = setUp(JWK_A, JWK_B);
    await outcomeOf(TOKEN_A);
    issuer.publish(JWK_B);
    clock.advance(10 * MINUTE_MS - 1);
    expect(await outcomeOf(TOKEN_A)).toBe("user alice");
    clock.advance(1);
    expect(await outcomeOf(TOKEN_A)).toBe("token_invalid");
    expect(issuer.requests).toHaveLength(2);
  });

  test("finds a new key as soon as a token names it", async () => {
    const { issuer, clock, outcomeOf } = setUp(JWK_A);
    await outcomeOf(TOKEN_A);
    issuer.publish(JWK_A, JWK_B);
    clock.advance(10_000);
    expect(await outcomeOf(TOKEN_B)).toBe("user alice");
    expect(issuer.requests).toHaveLength(2);
  });

  test("asks at most every 10 seconds for keys that nobody knows, and calls none invalid unasked", async () => {
    const { issuer, clock, outcomeOf } = setUp(JWK_A);
    await outcomeOf(TOKEN_A);
    clock.advance(5_000);
    expect(await outcomeOf(TOKEN_B)).toBe("token_keys_unreachable");
    clock.advance(4_999);
    expect(await outcomeOf(TOKEN_B)).toBe("token_keys_unreachable");
    expect(issuer.requests).toHaveLength(1);
    clock.advance(1);
    expect(await outcomeOf(TOKEN_B)).toBe("token_invalid");
    clock.advance(1);
    expect(await outcomeOf(TOKEN_B)).toBe("token_keys_unreachable");
    expect(issuer.requests).toHaveLength(2);
    expect(await outcomeOf(TOKEN_A)).toBe("user alice");
  });

  test("goes on with old keys for an hour when asking fails, and says so in the log", async () => {
    const { issuer, clock, log, outcomeOf } = setUp(JWK_A);
    await outcomeOf(TOKEN_A);
    issuer.answer = { ok: false, why: "did not answer within 5000 ms" };
    clock.advance(10 * MINUTE_MS);
    expect(await outcomeOf(TOKEN_A)).toBe("user alice");
    expect(log.of("keys.failed")).toEqual([
      { url: "https://login.example.com/keys", why: "it did not answer within 5000 ms" },
    ]);
    clock.advance(9_999);
    expect(await outcomeOf(TOKEN_A)).toBe("user alice");
    expect(issuer.requests).toHaveLength(2);
    clock.advance(50 * MINUTE_MS);
    expect(await outcomeOf(TOKEN_A)).toBe("token_keys_unreachable");
    issuer.publish(JWK_A);
    clock.advance(10_000);
    expect(await outcomeOf(TOKEN_A)).toBe("user alice");
  });

  test.each<[string, WebAnswer]>([
    ["no answer", { ok: false, why: "gave no answer that can be read (ECONNREFUSED)" }],
    ["status 500", { ok: true, status: 500, text: JSON.stringify({ keys: [JWK_A] }) }],
    ["a page", { ok: true, status: 200, text: "<html>" }],
    ["a list", { ok: true, status: 200, text: "[]" }],
    ["keys that are no list", { ok: true, status: 200, text: '{"keys":{}}' }],
  ])(
    "tells with %s that nobody can check a token now, and asks again after a pause",
    async (_, answer) => {
      const { issuer, clock, log, outcomeOf } = setUp();
      issuer.answer = answer;
      expect(await outcomeOf(TOKEN_A)).toBe("token_keys_unreachable");
      expect(await outcomeOf(TOKEN_A)).toBe("token_keys_unreachable");
      expect(issuer.requests).toHaveLength(1);
      expect(JSON.stringify(log.lines)).not.toContain("canary-key");
      issuer.publish(JWK_A);
      clock.advance(10_000);
      expect(await outcomeOf(TOKEN_A)).toBe("user alice");
    },
  );

  test("tries every key of the kind for a token that names none, up to a bound", async () => {
    const token = signed(rsaA.privateKey, "RS256");
    const many = (count: number): unknown[] =>
      Array.from({ length: count }, () => jwk(rsaB.publicKey));
    expect(await setUp(...many(7), jwk(rsaA.publicKey)).outcomeOf(token)).toBe("user alice");
    expect(await setUp(...many(8), jwk(rsaA.publicKey)).outcomeOf(token)).toBe("token_invalid");
  });

  test.each([
    ["a key for encryption", jwk(rsaA.publicKey, { kid: "a", use: "enc" })],
    ["a key for another algorithm", jwk(rsaA.publicKey, { kid: "a", alg: "RS512" })],
    ["a private key", jwk(rsaA.privateKey, { kid: "a" })],
    [
      "a short key",
      jwk(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey, { kid: "a" }),
    ],
    ["a broken key", { kty: "RSA", kid: "a", n: "*".repeat(400), e: "AQAB" }],
    ["half a key", { kty: "RSA", kid: "a" }],
    ["a secret", { kty: "oct", kid: "a", k: "c2VjcmV0" }],
    ["a key of an unknown kind", { kty: "LMS", kid: "a" }],
    ["no object", "a"],
    ["nothing", null],
  ])("leaves %s aside, and uses the others", async (_, key) => {
    const { outcomeOf } = setUp(key, JWK_B);
    expect(await outcomeOf(TOKEN_A)).toBe("token_invalid");
    expect(await outcomeOf(TOKEN_B)).toBe("user alice");
  });

  test.each([
    [
      "HS256 with a published key as the secret",
      makeJwt({ claims: { sub: "eve" }, key: JSON.stringify(JWK_A), header: { kid: "a" } }),
    ],
    [
      "HS256 with a published secret",
      makeJwt({ claims: { sub: "eve" }, key: "secret", header: { kid: "s" } }),
    ],
    ["none", makeJwt({ claims: {}, key: "k", header: { alg: "none", kid: "a" } })],
    ["a PSS algorithm", signed(rsaA.privateKey, "RS256", { alg: "PS256", kid: "a" })],
    ["another one's signature under a known kid", signed(rsaB.privateKey, "RS256", { kid: "a" })],
    ["a key of its own", signed(rsaB.privateKey, "RS256", { kid: "a", jwk: JWK_B })],
    [
      "keys of its own elsewhere",
      signed(rsaB.privateKey, "RS256", { kid: "a", jku: "https://evil.example/" }),
    ],
    ["a kid that walks", signed(rsaB.privateKey, "RS256", { kid: "../../evil" })],
    [
      "a kid that is a member of every object",
      signed(rsaB.privateKey, "RS256", { kid: "__proto__" }),
    ],
  ])("refuses %s and asks nobody else", async (_, token) => {
    const { issuer, outcomeOf } = setUp(JWK_A, { kty: "oct", kid: "s", k: "c2VjcmV0" });
    expect(await outcomeOf(token)).toBe("token_invalid");
    expect(issuer.requests.map(({ url }) => url).filter((url) => url !== URL)).toEqual([]);
  });

  test("lets tokens wait for keys that are being asked for", async () => {
    const { issuer, outcomeOf } = setUp();
    const { promise, resolve } = Promise.withResolvers<WebAnswer>();
    issuer.answer = promise;
    const waiting = [outcomeOf(TOKEN_A), outcomeOf(TOKEN_A)];
    resolve({ ok: true, status: 200, text: JSON.stringify({ keys: [JWK_A] }) });
    expect(await Promise.all(waiting)).toEqual(["user alice", "user alice"]);
    expect(issuer.requests).toHaveLength(1);
  });
});
