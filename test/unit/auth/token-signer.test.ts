import { describe, expect, test } from "bun:test";
import { createTokenSigner } from "../../../src/auth/token-signer.ts";
import { createTokens } from "../../../src/auth/tokens.ts";
import { parseChannel } from "../../../src/core/channel.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { claimsIn } from "../../support/jwt.ts";

const NOW_MS = Date.UTC(2026, 0, 1);
const NOW_S = NOW_MS / 1000;
const SECRET = "current-secret-0123456789abcdefgh";

const clock = new FakeClock(NOW_MS);
const signer = createTokenSigner({ secret: SECRET, userClaim: "sub", clock });
const tokens = createTokens({ secret: SECRET, clock });

describe("sign()", () => {
  test("makes a token that says what was granted, and is accepted", async () => {
    const token = await signer.sign({
      user: "alice",
      channels: [parseChannel("chat:1")],
      devices: [parseDeviceId("42")],
      ttlMs: 90_500,
    });
    const header = Buffer.from(token.split(".")[0] ?? "", "base64url").toString();
    expect(JSON.parse(header)).toEqual({ alg: "HS256", typ: "JWT" });
    expect(JSON.parse(claimsIn(token))).toEqual({
      sub: "alice",
      channels: ["chat:1"],
      devices: ["42"],
      iat: NOW_S,
      exp: NOW_S + 91,
    });
    expect(await tokens.verify(token)).toMatchObject({
      user: "alice",
      channels: ["chat:1"],
      devices: ["42"],
    });
  });

  test("lets its bearer send each of the devices the same commands", async () => {
    const devices = ["42", "43"].map(parseDeviceId);
    const commands = ["lamp.*", "ping"];
    const token = await signer.sign({ user: "a", channels: [], devices, commands, ttlMs: 1_000 });
    expect(JSON.parse(claimsIn(token))).toMatchObject({ commands: { 42: commands, 43: commands } });
    const verified = await tokens.verify(token);
    expect([...(verified.commands ?? [])]).toEqual(devices.map((device) => [device, commands]));
  });

  test("leaves out what was not granted", async () => {
    const token = await signer.sign({ user: "", channels: [], devices: [], ttlMs: 1_000 });
    expect(JSON.parse(claimsIn(token))).toEqual({ sub: "", iat: NOW_S, exp: NOW_S + 1 });
  });

  test("makes what a server with the same audience, issuer and claim for the user accepts", async () => {
    const options = { secret: SECRET, audience: "a", issuer: "i", userClaim: "uid", clock };
    const token = await createTokenSigner(options).sign({
      user: "alice",
      channels: [],
      devices: [],
      ttlMs: 1_000,
    });
    expect((await createTokens(options).verify(token)).user).toBe("alice");
  });
});

describe("signSubscription()", () => {
  test("makes a token for one user and one channel, which lets nobody connect", async () => {
    const channel = parseChannel("$chat:1");
    const token = await signer.signSubscription({ user: "alice", channel, ttlMs: 60_000 });
    const target = { channel, user: "alice", client: "c" };
    expect(await tokens.verifySubscription(token, target)).toEqual({
      expiresAtMs: NOW_MS + 65_000,
    });
    expect(tokens.verify(token)).rejects.toThrow("its claim channel is malformed");
  });
});
