import { describe, expect, test } from "bun:test";
import { mapInTurns } from "../../../src/core/map-in-turns.ts";

describe("mapInTurns()", () => {
  test("keeps the order of the items, whichever is done first", async () => {
    const first = Promise.withResolvers<void>();
    const answers = mapInTurns([1, 2, 3], 2, async (item) => {
      if (item === 1) await first.promise;
      if (item === 3) first.resolve();
      return item * 10;
    });
    expect(await answers).toEqual([10, 20, 30]);
  });

  test("runs so many at a time, and the next one when one is done", async () => {
    const running: number[] = [];
    const ends = [1, 2, 3].map(() => Promise.withResolvers<void>());
    const all = mapInTurns([0, 1, 2], 2, async (item) => {
      running.push(item);
      await ends[item]?.promise;
    });
    expect(running).toEqual([0, 1]);
    ends[1]?.resolve();
    await ends[1]?.promise;
    await Promise.resolve();
    expect(running).toEqual([0, 1, 2]);
    for (const { resolve } of ends) resolve();
    await all;
  });

  test("answers nothing for nothing", async () => {
    expect(await mapInTurns([], 5, async () => 1)).toEqual([]);
  });
});
