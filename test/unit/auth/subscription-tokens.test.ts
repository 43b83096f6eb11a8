import { describe, expect, test } from "bun:test";
import { createTokens } from "../../../src/auth/tokens.ts";
import { parseChannel } from "../../../src/core/channel.ts";
import { Fault } from "../../../src/core/faults.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { makeJwt } from "../../support/jwt.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const NOW_S = NOW_MS / 1000;
const SECRET = "current-secret-0123456789abcdefgh";
const TARGET = { channel: parseChannel("$chat:1"), user: "alice", client: "c-1" };
const GOOD = { sub: "alice", channel: "$chat:1" };

const tokens = createTokens({ secret: SECRET, clock: new FakeClock(NOW_MS) });

function make(claims: Readonly<Record<string, unknown>>): string {
  return makeJwt({ claims, key: SECRET });
}

async function refusal(token: string, target = TARGET, verifier = tokens): Promise<Fault> {
  try {
    await verifier.verifySubscription(token, target);
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("Cannot go on: the token was accepted");
}

describe("verifySubscription()", () => {
  test("reads every claim", async () => {
    const claims = await tokens.verifySubscription(
      make({
        ...GOOD,
        client: "c-1",
        exp: NOW_S + 60,
        info: { name: "Alice" },
        data: [1, null],
        override: {
          presence: { value: false },
          join_leave: { value: true },
          force_push_join_leave: {},
          force_recovery: { value: true },
          force_positioning: null,
          shoe_size: { value: 42 },
        },
      }),
      TARGET,
    );
    expect(claims).toEqual({
      expiresAtMs: NOW_MS + 65_000,
      info: '{"name":"Alice"}',
      data: "[1,null]",
      override: {
        presence: false,
        joinLeave: true,
        forcePushJoinLeave: false,
        forceRecovery: true,
      },
    });
  });

  test("keeps payloads byte for byte, whatever JSON.parse would make of them", async () => {
    const token = makeJwt({
      claims:
        '{"sub":"alice","channel":"$chat:1","info":{"2":1.0,"1":12345678901234567890},"data":0.10}',
      key: SECRET,
    });
    const claims = await tokens.verifySubscription(token, TARGET);
    expect(claims).toEqual({ info: '{"2":1.0,"1":12345678901234567890}', data: "0.10" });
  });

  test("reads JSON in base64", async () => {
    const b64 = Buffer.from('{"n": 1.0}').toString("base64");
    const claims = await tokens.verifySubscription(
      make({ ...GOOD, b64info: b64, b64data: b64 }),
      TARGET,
    );
    expect(claims).toEqual({ info: '{"n": 1.0}', data: '{"n": 1.0}' });
  });

  test.each([{}, { client: "" }, { client: "c-1" }, { override: {} }])(
    "accepts one that says no more than %j, and it never ends",
    async (more) => {
      expect(await tokens.verifySubscription(make({ ...GOOD, ...more }), TARGET)).toEqual({});
    },
  );

  test.each([{}, { sub: "" }])("takes %j for one of an anonymous user", async (sub) => {
    const token = make({ channel: "$chat:1", ...sub });
    expect(await tokens.verifySubscription(token, { ...TARGET, user: "" })).toEqual({});
    expect((await refusal(token)).code).toBe("subscription_token_mismatch");
  });

  test("lets expire_at end the subscription instead of exp, 0 being never", async () => {
    const exp = NOW_S + 60;
    const endOf = async (expire_at: number) =>
      (await tokens.verifySubscription(make({ ...GOOD, exp, expire_at }), TARGET)).expiresAtMs;
    expect(await endOf(NOW_S + 600)).toBe(NOW_MS + 605_000);
    expect(await endOf(0)).toBeUndefined();
  });

  test.each([
    ["it is for another channel", { ...GOOD, channel: "$chat:2" }],
    ["it is for another channel", { ...GOOD, channel: "$chat:1 " }],
    ["it is for another user", { ...GOOD, sub: "bob" }],
    ["it is for another user", { channel: "$chat:1" }],
    ["it is for another client", { ...GOOD, client: "c-2" }],
  ])("tells a good token of someone else apart: %s", async (detail, claims) => {
    const fault = await refusal(make(claims));
    expect([fault.code, fault.detail]).toEqual(["subscription_token_mismatch", detail]);
  });

  test.each([
    ["its exp is over", { ...GOOD, exp: NOW_S - 5 }],
    ["its nbf is not reached yet", { ...GOOD, nbf: NOW_S + 6 }],
    ["its expire_at is over", { ...GOOD, expire_at: NOW_S - 5 }],
    ["its exp is over", { ...GOOD, sub: "bob", exp: NOW_S - 5 }],
  ])("says of a token out of its time that it is expired: %s", async (detail, claims) => {
    const fault = await refusal(make(claims));
    expect([fault.code, fault.detail]).toEqual(["token_expired", detail]);
  });

  test.each([
    ["channel", { sub: "alice" }],
    ["channel", { ...GOOD, channel: "" }],
    ["channel", { ...GOOD, channel: ["$chat:1"] }],
    ["client", { ...GOOD, client: 1 }],
    ["sub", { ...GOOD, sub: 7 }],
    ["expire_at", { ...GOOD, expire_at: "soon" }],
    ["b64data", { ...GOOD, b64data: "bm90IGpzb24=" }],
    ["override", { ...GOOD, override: [] }],
    ["override", { ...GOOD, override: { presence: { value: "yes" } } }],
  ])("refuses a token whose claim %s is malformed: %j", async (claim, claims) => {
    const fault = await refusal(make(claims));
    expect(fault.code).toBe("token_invalid");
    expect(fault.detail).toStartWith(`its claim ${claim} is malformed`);
  });

  test("refuses a forgery, and repeats nothing of it", async () => {
    const token = makeJwt({ claims: { ...GOOD, info: "canary" }, key: "wrong".repeat(10) });
    const fault = await refusal(token);
    expect(fault.code).toBe("token_invalid");
    for (const part of ["canary", ...token.split(".")]) {
      expect(`${fault.message}${fault.stack}`).not.toContain(part);
    }
  });

  test("goes by the same audience, issuer and claim for the user as connections", async () => {
    const strict = createTokens({
      secret: SECRET,
      audience: "a",
      issuer: "i",
      userClaim: "uid",
      clock: new FakeClock(NOW_MS),
    });
    const good = { uid: "alice", channel: "$chat:1", aud: "a", iss: "i" };
    expect(await strict.verifySubscription(make(good), TARGET)).toEqual({});
    const codeOf = async (claims: Readonly<Record<string, unknown>>) =>
      (await refusal(make({ ...good, ...claims }), TARGET, strict)).code;
    expect(await codeOf({ aud: "b" })).toBe("token_invalid");
    expect(await codeOf({ iss: "b" })).toBe("token_invalid");
    expect(await codeOf({ uid: "bob", sub: "alice" })).toBe("subscription_token_mismatch");
  });
});
