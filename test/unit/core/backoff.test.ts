import { describe, expect, test } from "bun:test";
import { backoffMs, parseRetryAfterMs, withJitter } from "../../../src/core/backoff.ts";

const NOW_MS = Date.UTC(2026, 0, 1);

describe("backoffMs()", () => {
  test("grows by its factor up to its bound", () => {
    const waits = [1, 2, 3, 4, 5, 100].map((failures) =>
      backoffMs({ firstMs: 5, factor: 3, maxMs: 100 }, failures),
    );
    expect(waits).toEqual([5, 15, 45, 100, 100, 100]);
  });
});

describe("withJitter()", () => {
  test.each([
    [0, 1_000],
    [0.5, 1_100],
    [1, 1_200],
  ])("adds for a chance of %d up to a fifth", (fraction, wanted) => {
    expect(withJitter(1_000, fraction)).toBe(wanted);
  });
});

describe("parseRetryAfterMs()", () => {
  test.each([
    ["0", 0],
    ["120", 120_000],
    [" 7 ", 7_000],
    ["Thu, 01 Jan 2026 00:00:30 GMT", 30_000],
    ["Wed, 31 Dec 2025 23:59:30 GMT", 0],
    [undefined, undefined],
    ["", undefined],
    ["soon", undefined],
    ["-5", undefined],
    ["1.5", undefined],
    ["2026-01-01T00:00:30Z", undefined],
    ["Thu, 99 Jan 2026 00:00:30 GMT", undefined],
    ["12345678901", undefined],
  ])("takes %j for %j", (text, wanted) => {
    expect(parseRetryAfterMs(text, NOW_MS)).toBe(wanted as number);
  });
});
