import { describe, expect, test } from "bun:test";
import { hkdfSync } from "node:crypto";
import { inspect } from "node:util";
import { SignJWT } from "jose";
import { sessionSecrets } from "../../../src/auth/session-secrets.ts";
import { createSessionTokens } from "../../../src/auth/session-tokens.ts";
import { createTokens } from "../../../src/auth/tokens.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createFakeEntropy } from "../../support/fake-entropy.ts";
import { makeJwt } from "../../support/jwt.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const OTHER = "fedcba9876543210fedcba9876543210";
const DAY_MS = 24 * 60 * 60 * 1000;

const APPS: Readonly<Record<string, string>> = { wechat: "wx1", second: "wx2" };

function world(secrets: readonly string[] = [SECRET], apps = APPS) {
  const clock = new FakeClock();
  const appIds = new Map(Object.entries(apps));
  return { clock, sessions: createSessionTokens({ secrets, appIds, ttlMs: 7 * DAY_MS, clock }) };
}

describe("a session", () => {
  test("says for days who logged in", async () => {
    const { clock, sessions } = world();
    const expiresAtMs = clock.nowMs() + 7 * DAY_MS;
    const session = { user: "wechat-o1", expiresAtMs };
    const { text, ...issued } = await sessions.issue("wechat-o1", "wechat");
    expect(issued).toEqual(session);
    clock.advance(7 * DAY_MS - 1000);
    expect(await sessions.verify(text)).toEqual(session);
    clock.advance(1000);
    await expect(sessions.verify(text)).rejects.toMatchObject({ code: "session_expired" });
  });

  test("begins so that it can be told from other secrets, and goes into a header", async () => {
    const { text } = await world().sessions.issue("anna", "wechat");
    expect(text).toMatch(/^phs_[A-Za-z0-9_.-]+$/);
  });

  test("outlives the process that made it", async () => {
    const { text } = await world().sessions.issue("anna", "wechat");
    expect(await world().sessions.verify(text)).toMatchObject({ user: "anna" });
  });

  test("goes on while the secret it was made with is still known", async () => {
    const { text } = await world().sessions.issue("anna", "wechat");
    expect(await world([OTHER, SECRET]).sessions.verify(text)).toMatchObject({ user: "anna" });
  });

  test("ends when that secret is taken away", async () => {
    const { text } = await world().sessions.issue("anna", "wechat");
    await expect(world([OTHER]).sessions.verify(text)).rejects.toMatchObject({
      code: "session_invalid",
    });
  });

  test.each([
    ["is for another mini-program now", { wechat: "wx9", second: "wx2" }],
    ["has changed places with another", { wechat: "wx2", second: "wx1" }],
    ["is not offered any more", { second: "wx1" }],
  ])("ends when its login %s", async (_, apps) => {
    const { text } = await world().sessions.issue("wechat-o1", "wechat");
    await expect(world([SECRET], apps).sessions.verify(text)).rejects.toMatchObject({
      code: "session_invalid",
    });
    expect(await world().sessions.verify(text)).toMatchObject({ user: "wechat-o1" });
  });

  test("is not made by a login that is not offered", async () => {
    await expect(world().sessions.issue("anna", "toString")).rejects.toThrow(
      'Cannot make session: there is no login "toString"',
    );
  });

  test("that does not say of which mini-program it is lets nobody in", async () => {
    const key = new Uint8Array(hkdfSync("sha256", SECRET, "", "posthorn session", 32));
    const sessionWith = async (more: object) => {
      const claims = { sub: "wechat-o1", login: "wechat", exp: 9e9, ...more };
      return `phs_${await new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(key)}`;
    };
    const { sessions } = world();
    await expect(sessions.verify(await sessionWith({}))).rejects.toMatchObject({
      code: "session_invalid",
    });
    expect(await sessions.verify(await sessionWith({ app: "wx1" }))).toMatchObject({
      user: "wechat-o1",
    });
  });

  test("lets nobody in as a token, though tokens have the same secret", async () => {
    const { clock, sessions } = world();
    const { text } = await sessions.issue("anna", "wechat");
    const tokens = createTokens({ secret: SECRET, clock });
    for (const token of [text, text.slice("phs_".length)]) {
      await expect(tokens.verify(token)).rejects.toMatchObject({ code: "token_invalid" });
    }
  });

  test("cannot be changed", async () => {
    const { sessions } = world();
    const { text } = await sessions.issue("anna", "wechat");
    const [head = "", body = "", mac = ""] = text.split(".");
    const claims = JSON.parse(Buffer.from(body, "base64url").toString());
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: "bob" })).toString("base64url");
    const error: unknown = await sessions.verify(`${head}.${forged}.${mac}`).catch((it) => it);
    expect(error).toMatchObject({ code: "session_invalid" });
    expect(inspect(error, { depth: 9 })).not.toContain(forged);
  });

  const jwt = makeJwt({ claims: { sub: "anna", login: "wechat", exp: 9e9 }, key: SECRET });
  test.each([
    ["a token", jwt],
    ["a token that begins like a session", `phs_${jwt}`],
    ["one without a signature", `phs_${Buffer.from('{"alg":"none"}').toString("base64url")}.e30.`],
    ["the start of one", "phs_"],
    ["nothing", ""],
    ["something long", `phs_${"x".repeat(10_000)}`],
  ])("is not %s", async (_, text) => {
    await expect(world().sessions.verify(text)).rejects.toMatchObject({ code: "session_invalid" });
  });
});

describe("sessionSecrets()", () => {
  const around = () => ({ entropy: createFakeEntropy(), log: new RecordingLog() });
  const tokens = { secret: SECRET, previousSecret: OTHER };

  test("prefers those for sessions, the one before the current too", () => {
    expect(sessionSecrets({ secret: "s", tokens }, around())).toEqual(["s"]);
    const both = { secret: "s", previousSecret: "p", tokens };
    expect(sessionSecrets(both, around())).toEqual(["s", "p"]);
  });

  test("takes those of tokens, the one before the current too", () => {
    expect(sessionSecrets({ tokens }, around())).toEqual([SECRET, OTHER]);
    expect(sessionSecrets({ tokens: { secret: SECRET } }, around())).toEqual([SECRET]);
  });

  test("thinks one up where there is none, and says what that means", () => {
    const it = around();
    const [secret = ""] = sessionSecrets({ tokens: {} }, it);
    expect(secret.length).toBeGreaterThanOrEqual(32);
    expect(it.log.of("sessions.unkept")).toHaveLength(1);
    expect(inspect(it.log.lines)).not.toContain(secret);
  });
});
