import { describe, expect, test } from "bun:test";
import { createTokens } from "../../../src/auth/tokens.ts";
import { parseChannel } from "../../../src/core/channel.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { SECRET, Terminal } from "./terminal.ts";

describe("posthorn token --channel-token", () => {
  test("prints a token that lets its user into the channel, and in nowhere else", async () => {
    await using terminal = await Terminal.open();
    terminal.env = {
      POSTHORN_TOKENS__SECRET: SECRET,
      POSTHORN_TOKENS__AUDIENCE: "posthorn",
      POSTHORN_TOKENS__ISSUER: "backend",
      POSTHORN_TOKENS__USER_CLAIM: "uid",
    };
    const argv = ["--user", "alice", "--channel-token", "$chat:1", "--ttl", "90s"];
    const { code, stdout, stderr } = await terminal.run("token", ...argv);
    expect([code, stderr]).toEqual([0, ""]);
    const target = { channel: parseChannel("$chat:1"), user: "alice", client: "c" };
    const rules = { audience: "posthorn", issuer: "backend", userClaim: "uid" };
    const tokens = createTokens({ secret: SECRET, clock: systemClock, ...rules });
    const { expiresAtMs = 0 } = await tokens.verifySubscription(stdout.trim(), target);
    expect(Math.abs(expiresAtMs - Date.now() - 95_000)).toBeLessThan(10_000);
    expect(tokens.verify(stdout.trim())).rejects.toThrow("its claim channel is malformed");
  });

  test.each([
    [["--channel-token", "a b"], 'Cannot parse channel: got "a b"'],
    [
      ["--channel-token", "a", "--channel", "b"],
      "Cannot use --channel, --device or --command with",
    ],
    [
      ["--channel-token", "a", "--device", "42"],
      "Cannot use --channel, --device or --command with",
    ],
  ])("%j ends with 2", async (args, message) => {
    await using terminal = await Terminal.open();
    terminal.env = { POSTHORN_TOKENS__SECRET: SECRET };
    const { code, stdout, stderr } = await terminal.run("token", "--user", "alice", ...args);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(message)]);
  });
});
