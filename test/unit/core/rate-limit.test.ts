import { describe, expect, test } from "bun:test";
import { refillMs, TokenBucket } from "../../../src/core/rate-limit.ts";

const RATE = { perSecond: 10, burst: 3 };

function takes(bucket: TokenBucket, times: number, nowMs: number): boolean[] {
  return Array.from({ length: times }, () => bucket.take(nowMs));
}

describe("TokenBucket", () => {
  test("lets a burst pass at once, and no more", () => {
    const bucket = new TokenBucket(RATE, 500);
    expect(takes(bucket, 4, 500)).toEqual([true, true, true, false]);
  });

  test("lets one more pass for each part of a second that makes one", () => {
    const bucket = new TokenBucket(RATE, 0);
    takes(bucket, 3, 0);
    expect(bucket.take(99)).toBe(false);
    expect(takes(bucket, 2, 100)).toEqual([true, false]);
    expect(takes(bucket, 3, 300)).toEqual([true, true, false]);
  });

  test("earns while it is asked in vain", () => {
    const bucket = new TokenBucket(RATE, 0);
    takes(bucket, 3, 0);
    const passed = Array.from({ length: 1000 }, (_, ms) => bucket.take(ms + 1)).filter(Boolean);
    expect(passed.length).toBeGreaterThanOrEqual(9); // fractions of tokens may round down
    expect(passed.length).toBeLessThanOrEqual(10);
  });

  test("saves up no more than a burst, however long it is quiet", () => {
    const bucket = new TokenBucket(RATE, 0);
    expect(takes(bucket, 4, 3_600_000)).toEqual([true, true, true, false]);
  });

  test("keeps to its rate over a long time", () => {
    const bucket = new TokenBucket({ perSecond: 7, burst: 20 }, 0);
    let passed = 0;
    for (let nowMs = 0; nowMs < 60_000; nowMs += 25) if (bucket.take(nowMs)) passed += 1;
    expect(passed).toBeGreaterThanOrEqual(7 * 60 + 18);
    expect(passed).toBeLessThanOrEqual(7 * 60 + 20);
  });
});

describe("refillMs()", () => {
  test("is how long an empty bucket takes to be full", () => {
    const bucket = new TokenBucket(RATE, 0);
    takes(bucket, 3, 0);
    expect(refillMs(RATE)).toBe(300);
    expect(takes(bucket, 4, refillMs(RATE))).toEqual([true, true, true, false]);
  });
});
