import { describe, expect, test } from "bun:test";
import { createTokens } from "../../../src/auth/tokens.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { SECRET, Terminal } from "./terminal.ts";

const tokens = createTokens({ secret: SECRET, clock: systemClock });

describe("posthorn token", () => {
  test("prints a token that the server accepts, and nothing else", async () => {
    await using terminal = await Terminal.open();
    await terminal.workspace.write("posthorn.toml", `[tokens]\nsecret = "${SECRET}"`);
    const argv = ["--user", "alice", "--channel", "a", "--channel", "b", "--device", "42"];
    const { code, stdout, stderr } = await terminal.run("token", ...argv);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const claims = await tokens.verify(stdout.trim());
    expect(claims).toMatchObject({ user: "alice", channels: ["a", "b"], devices: ["42"] });
  });

  test("says which commands may be sent to its devices", async () => {
    await using terminal = await Terminal.open();
    terminal.env = { POSTHORN_TOKENS__SECRET: SECRET };
    const argv = ["--user", "u", "--device", "42", "--command", "lamp.*", "--command", "ping"];
    const { stdout } = await terminal.run("token", ...argv);
    const { commands } = await tokens.verify(stdout.trim());
    expect(commands?.get(parseDeviceId("42"))).toEqual(["lamp.*", "ping"]);
  });

  test.each([
    [[], 3_600_000],
    [["--ttl", "90s"], 90_000],
    [["--ttl", "7d"], 604_800_000],
  ])("with %j it is good for %d ms", async (args, ttlMs) => {
    await using terminal = await Terminal.open();
    terminal.env = { POSTHORN_TOKENS__SECRET: SECRET };
    const { stdout } = await terminal.run("token", "--user", "", "--json", ...args);
    const { token, user, expires_at } = JSON.parse(stdout);
    expect(user).toBe("");
    expect(Math.abs(Date.parse(expires_at) - Date.now() - ttlMs)).toBeLessThan(60_000);
    const { expiresAtMs = 0 } = await tokens.verify(token);
    expect(Math.abs(expiresAtMs - Date.parse(expires_at))).toBeLessThan(10_000);
  });

  test("says how to set the secret where there is none, and ends with 1", async () => {
    await using terminal = await Terminal.open();
    const { code, stdout, stderr } = await terminal.run("token", "--user", "alice");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("tokens.secret is not set");
    expect(stderr).toContain('export POSTHORN_TOKENS__SECRET="$(openssl rand -base64 48)"');
  });

  test.each([
    [[], "Cannot make a token without --user"],
    [
      ["--user", "u", "--ttl", "soon"],
      'Cannot use --ttl: got "soon", wanted 1s to 3650d, such as 90s, 15m, 1h or 7d',
    ],
    [["--user", "u", "--ttl", "0s"], 'got "0s"'],
    [["--user", "u", "--ttl", "3651d"], 'got "3651d"'],
    [["--user", "u", "--channel", "a b"], 'Cannot parse channel: got "a b"'],
    [["--user", "u", "--device", "../x"], 'Cannot parse device id: got "../x"'],
    [["--user", "u", "--command", "ping"], "Cannot use --command without --device"],
    [["--user", "u", "--device", "42", "--command", "[a"], "Cannot use pattern: a [ is not closed"],
    [
      ["--user", "u", "--device", "42", ...Array(33).fill("--command=ping")],
      "Cannot use --command 33 times: at most 32 are allowed",
    ],
    [["--user", "u", "extra"], 'Cannot use "extra"'],
    [["--user", "a", "--user", "b"], "Cannot use --user twice"],
  ])("%j ends with 2", async (args, message) => {
    await using terminal = await Terminal.open();
    terminal.env = { POSTHORN_TOKENS__SECRET: SECRET };
    const { code, stdout, stderr } = await terminal.run("token", ...args);
    expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(message)]);
  });
});
