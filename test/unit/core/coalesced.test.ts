import { describe, expect, test } from "bun:test";
import { coalesced } from "../../../src/core/coalesced.ts";

/** Runs that a test ends, one by one. */
function world() {
  const running: (() => void)[] = [];
  let started = 0;
  const request = coalesced(async () => {
    started += 1;
    await new Promise<void>((resolve) => running.push(resolve));
  });
  return { request, running, started: () => started };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

describe("coalesced()", () => {
  test("makes one more run of all that is asked for during a run, and only after it", async () => {
    const { request, running, started } = world();
    const all = Promise.all([request(), request(), request()]);
    await settled();
    expect(started()).toBe(1);
    running.shift()?.();
    await settled();
    expect(started()).toBe(2);
    running.shift()?.();
    await all;
    expect(started()).toBe(2);
  });

  test("runs again for who asks after the end", async () => {
    const { request, running, started } = world();
    for (const wanted of [1, 2]) {
      const done = request();
      await settled();
      expect(started()).toBe(wanted);
      running.shift()?.();
      await done;
    }
  });
});
