import { describe, expect, test } from "bun:test";
import {
  formatDuration,
  formatSize,
  parseDurationMs,
  parseSizeBytes,
} from "../../../src/config/units.ts";

describe("parseDurationMs()", () => {
  test.each([
    ["500ms", 500],
    ["90s", 90_000],
    ["15m", 900_000],
    ["24h", 86_400_000],
    ["7d", 604_800_000],
    ["0s", 0],
    ["007s", 7_000],
  ])("reads %s", (text, wantedMs) => {
    expect(parseDurationMs(text)).toBe(wantedMs);
  });

  test.each([
    "",
    "5",
    "s",
    "1.5h",
    "-1s",
    "1 h",
    " 1h",
    "1h\n",
    "1H",
    "1h30m",
    "1e3s",
    "999999999999999d",
    `${"9".repeat(30)}s`,
  ])("reads nothing in %j", (text) => {
    expect(parseDurationMs(text)).toBeUndefined();
  });
});

describe("parseSizeBytes()", () => {
  test.each([
    ["64KB", 65_536],
    ["1MB", 1_048_576],
    ["2GB", 2_147_483_648],
    ["512B", 512],
    ["512", 512],
    ["0", 0],
  ])("reads %s", (text, wantedBytes) => {
    expect(parseSizeBytes(text)).toBe(wantedBytes);
  });

  test.each(["", "KB", "64kb", "64K", "1.5MB", "-1", "1 MB", "64KiB", "99999999999999GB"])(
    "reads nothing in %j",
    (text) => {
      expect(parseSizeBytes(text)).toBeUndefined();
    },
  );
});

describe("formatDuration() and formatSize()", () => {
  test.each([
    [0, "0ms"],
    [1, "1ms"],
    [1_500, "1500ms"],
    [25_000, "25s"],
    [60_000, "1m"],
    [90_000, "90s"],
    [86_400_000, "1d"],
  ])("write %d ms as %s, which reads the same again", (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
    expect(parseDurationMs(text)).toBe(durationMs);
  });

  test.each([
    [0, "0B"],
    [1_000, "1000B"],
    [65_536, "64KB"],
    [1_048_576, "1MB"],
    [1_048_577, "1048577B"],
  ])("write %d bytes as %s, which reads the same again", (sizeBytes, text) => {
    expect(formatSize(sizeBytes)).toBe(text);
    expect(parseSizeBytes(text)).toBe(sizeBytes);
  });
});
