import { describe, expect, test } from "bun:test";
import { RatesByKey } from "../../../src/core/rates-by-key.ts";

const RATE = { perSecond: 10, burst: 2 };
/** After this long an empty bucket is full again. */
const QUIET_MS = 200;

describe("RatesByKey", () => {
  test("gives each key the whole rate, whatever others do", () => {
    const rates = new RatesByKey({ rate: RATE, keysMax: 10 });
    for (const key of ["a", "b"]) {
      expect([1, 2, 3].map(() => rates.take(key, 0))).toEqual([true, true, false]);
    }
    expect([rates.take("b", 100), rates.take("b", 100)]).toEqual([true, false]);
  });

  test("does not forget a key that goes on, however long it does", () => {
    const rates = new RatesByKey({ rate: RATE, keysMax: 10 });
    let passed = 0;
    for (let nowMs = 0; nowMs < 10_000; nowMs += 10) if (rates.take("a", nowMs)) passed += 1;
    expect(passed).toBeGreaterThanOrEqual(99);
    expect(passed).toBeLessThanOrEqual(102);
  });

  test("remembers no more keys than it may, and forgives the one unseen for longest", () => {
    const rates = new RatesByKey({ rate: RATE, keysMax: 3 });
    for (const key of ["a", "a", "b", "b", "c", "c", "a"]) rates.take(key, 0);
    expect(rates.take("d", 0)).toBe(true);
    expect(rates.size).toBe(3);
    expect([rates.take("a", 0), rates.take("c", 0)]).toEqual([false, false]);
    expect(rates.take("b", 0)).toBe(true);
  });

  test("never holds more than it may, whoever comes", () => {
    const rates = new RatesByKey({ rate: RATE, keysMax: 100 });
    for (let caller = 0; caller < 1000; caller += 1) rates.take(`${caller}`, 0);
    expect(rates.size).toBe(100);
  });

  test("forgets who has been quiet, as others come", () => {
    const rates = new RatesByKey({ rate: RATE, keysMax: 1000 });
    for (let caller = 0; caller < 100; caller += 1) rates.take(`${caller}`, 0);
    for (let turn = 0; turn < 50; turn += 1) rates.take("busy", QUIET_MS - 1);
    expect(rates.size).toBe(101);
    for (let turn = 0; turn < 50; turn += 1) rates.take("busy", QUIET_MS);
    expect(rates.size).toBe(1);
  });
});
