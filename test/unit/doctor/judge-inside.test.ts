import { describe, expect, test } from "bun:test";
import { judgeConfigFile, judgeDataMode, judgeSecrets } from "../../../src/doctor/judge-config.ts";
import { bytesText, judgeMachine } from "../../../src/doctor/judge-machine.ts";
import type { MachineSeen } from "../../../src/doctor/observe-machine.ts";

const GIB = 1024 ** 3;
const GOOD: MachineSeen = {
  nowMs: Date.UTC(2026, 5, 1),
  disk: { freeBytes: 20 * GIB, totalBytes: 40 * GIB },
  filesMax: 65_536,
  clockKeeper: "chrony",
  variables: ["PATH", "HOME"],
  migratesRequests: true,
};

describe("judgeMachine()", () => {
  test.each<[string, Partial<MachineSeen>, string[]]>([
    ["all is well", {}, []],
    [
      "little can be seen",
      {
        disk: undefined as never,
        filesMax: undefined as never,
        clockKeeper: undefined as never,
        migratesRequests: undefined as never,
      },
      [],
    ],
    ["the disk is nearly full", { disk: { freeBytes: GIB / 2, totalBytes: GIB } }, ["disk_small"]],
    ["the disk is full", { disk: { freeBytes: 0, totalBytes: GIB } }, ["disk_full"]],
    ["few files may be open", { filesMax: 1024 }, ["files_few"]],
    ["the clock was never set", { nowMs: 0 }, ["clock_wrong"]],
    ["nothing keeps the clock", { clockKeeper: "" }, ["clock_unkept"]],
    [
      "variables reach in",
      { variables: ["BUN_OPTIONS", "SSLKEYLOGFILE"] },
      ["environment_odd", "environment_odd"],
    ],
    ["handshakes get lost at a handover", { migratesRequests: false }, ["handover_resets"]],
  ])("when %s", (_, seen, wanted) => {
    const findings = judgeMachine({ ...GOOD, ...seen }, { clientsMax: 50_000, hasTls: true });
    const codes = findings.filter(({ severity }) => severity !== "ok").map(({ code }) => code);
    expect(codes).toEqual(wanted as never);
  });

  test.each([
    [true, "files_server"],
    [false, "files_shell"],
  ])("says whose the limit of files is (the server's: %j)", (isFilesMaxOfServer, word) => {
    const seen = { ...GOOD, isFilesMaxOfServer };
    const found = judgeMachine(seen, { clientsMax: 1, hasTls: false });
    expect(found.find(({ code }) => code === "files_enough")?.values["where"]).toEqual({ word });
  });

  test("leaves the handover alone where there is no certificate", () => {
    const wanted = { clientsMax: 1, hasTls: false };
    const codes = judgeMachine({ ...GOOD, migratesRequests: false }, wanted).map(
      ({ code }) => code,
    );
    expect(codes).not.toContain("handover_resets");
  });
});

describe("judgeSecrets()", () => {
  const long = "kJ8s0dFq2LmZx9Tb";
  test("tells of those that are the same or simple, by their keys alone", () => {
    const findings = judgeSecrets([
      { key: "tokens.secret", value: long },
      { key: "api.keys[0]", value: long },
      { key: "devices.fleet_keys[0]", value: "abababababababab" },
    ]);
    expect(findings.map(({ code, values }) => ({ code, values }))).toEqual([
      { code: "secrets_shared", values: { keys: "tokens.secret, api.keys[0]" } },
      { code: "secret_simple", values: { key: "devices.fleet_keys[0]" } },
    ]);
    expect(JSON.stringify(findings)).not.toContain(long);
  });

  test("says when no two are alike", () => {
    const findings = judgeSecrets([
      { key: "a", value: long },
      { key: "b", value: `${long}2` },
    ]);
    expect(findings.map(({ code }) => code)).toEqual(["secrets_apart"]);
  });
});

test("judgeConfigFile() and judgeDataMode() mind what others may read", () => {
  expect(judgeConfigFile("f", 0o644)).toMatchObject({
    code: "config_exposed",
    values: { mode: "0644" },
  });
  expect(judgeConfigFile("f", 0o640).code).toBe("config_private");
  expect(judgeDataMode("d", 0o604).map(({ code }) => code)).toEqual(["data_exposed"]);
  expect(judgeDataMode("d", 0o600)).toEqual([]);
});

test.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1536, "1.5 KiB"],
  [20 * GIB, "20 GiB"],
])("bytesText(%d) is %s", (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});
