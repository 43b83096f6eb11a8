import { describe, expect, jest, test } from "bun:test";
import { systemClock } from "../../../src/runtime/clock.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

describe("systemClock", () => {
  test("tells the time of day and a time that never goes back", () => {
    expect(Math.abs(systemClock.nowMs() - Date.now())).toBeLessThan(1_000);
    const first = systemClock.monotonicMs();
    expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(first);
  });

  test("after() and every() run, and not once they are canceled", async () => {
    const ran: string[] = [];
    const cancelAfter = systemClock.after(0, () => ran.push("canceled"));
    cancelAfter();
    await new Promise<void>((resolve) => {
      const stop = systemClock.every(1, () => {
        if (ran.push("every") < 3) return;
        stop();
        systemClock.after(5, resolve);
      });
    });
    expect(ran).toEqual(["every", "every", "every"]);
  });

  test("after() waits longer than a timer of the runtime can", () => {
    const delays: number[] = [];
    const original = globalThis.setTimeout;
    const waiting: (() => void)[] = [];
    const fake = (run: () => void, delayMs: number) => {
      delays.push(delayMs);
      waiting.push(run);
      return 0;
    };
    globalThis.setTimeout = fake as unknown as typeof setTimeout;
    try {
      const ran = jest.fn();
      systemClock.after(60 * DAY_MS, ran);
      while (waiting.length > 0) {
        expect(ran).not.toHaveBeenCalled();
        waiting.shift()?.();
      }
      expect(ran).toHaveBeenCalledTimes(1);
      expect(delays.reduce((sum, ms) => sum + ms)).toBe(60 * DAY_MS);
      expect(Math.max(...delays)).toBeLessThan(2 ** 31);
    } finally {
      globalThis.setTimeout = original;
    }
  });
});
