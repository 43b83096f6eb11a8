import { describe, expect, test } from "bun:test";
import { load, problemsWith } from "./sources.ts";

const KEYS = ["0123456789abcdef", "fedcba9876543210"] as const;

describe("[devices]", () => {
  test("is read from a file", () => {
    const toml = `
      [devices]
      fleet_keys = ${JSON.stringify(KEYS)}
      online_ttl = "5m"
      offline_grace = "0ms"
      wake_interval = "1m"
      command_lease = "10s"
      require_certificate = false`;
    expect(load({ toml }).devices).toEqual({
      fleetKeys: KEYS,
      onlineTtlMs: 300_000,
      offlineGraceMs: 0,
      wakeIntervalMs: 60_000,
      commandLeaseMs: 10_000,
      requireCertificate: false,
    });
  });

  test("is read from variables, with commas between the keys", () => {
    const env = {
      POSTHORN_DEVICES__FLEET_KEYS: KEYS.join(","),
      POSTHORN_DEVICES__ONLINE_TTL: "2m",
    };
    expect(load({ env }).devices).toMatchObject({ fleetKeys: KEYS, onlineTtlMs: 120_000 });
  });

  test.each([
    ["short", ["0123456789abcde"]],
    ["beside a good one", [KEYS[0], "short-canary"]],
    ["with a space in it", ["0123456789 abcdef"]],
    ["empty", [""]],
  ])("refuses a fleet key that is %s, without showing it", (_, keys) => {
    const problems = problemsWith({ toml: `[devices]\nfleet_keys = ${JSON.stringify(keys)}` });
    expect(problems).toEqual([
      expect.stringMatching(
        /^devices\.fleet_keys \(posthorn\.toml:2\): got a text of \d+ characters as item \d, wanted a list of texts of at least 16/,
      ),
    ]);
    expect(problems.join()).not.toContain("canary");
  });

  test.each([
    ["online_ttl = '999ms'", "devices.online_ttl"],
    ["offline_grace = '2h'", "devices.offline_grace"],
    ["wake_interval = 30", "devices.wake_interval"],
    ["command_lease = '0ms'", "devices.command_lease"],
    ["onlin_ttl = '1s'", "did you mean devices.online_ttl?"],
  ])("refuses %s", (line, wanted) => {
    expect(problemsWith({ toml: `[devices]\n${line}` })).toEqual([expect.stringContaining(wanted)]);
  });
});
