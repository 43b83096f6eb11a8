import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/core/faults.ts";
import { type BatcherLimits, createBatcher } from "../../../src/engine/sqlite/batcher.ts";
import type { Call, Outcome } from "../../../src/engine/sqlite/wire.ts";

const roomy: BatcherLimits = {
  queuedMax: 100,
  queuedMaxBytes: 1_000_000,
  batchMax: 100,
  batchMaxBytes: 1_000_000,
};

/** A batcher over a store that answers when the test says so; each outcome is the call's input. */
function setUp(limits: Partial<BatcherLimits> = {}) {
  const flights: {
    calls: readonly Call[];
    land: (outcomes?: Outcome[]) => void;
    crash: () => void;
  }[] = [];
  const waiting: (() => void)[] = [];
  const batcher = createBatcher(
    (calls) =>
      new Promise((resolve, reject) => {
        const echo = calls.map(({ input }): Outcome => ({ ok: true, value: input }));
        flights.push({
          calls,
          land: (outcomes = echo) => resolve(outcomes),
          crash: () => reject(new Fault("store_failed")),
        });
        waiting.shift()?.();
      }),
    { ...roomy, ...limits },
  );
  return {
    batcher,
    run: (id: string, bytes = 0) => batcher.run("removeHistory", id, { key: id, bytes }),
    /** The next batch that is sent. */
    async flight(index: number) {
      while (flights.length <= index) await new Promise<void>((resolve) => waiting.push(resolve));
      const found = flights[index];
      if (!found) throw new Error(`There is no flight ${index}`);
      return { ...found, ids: found.calls.map(({ input }) => input) };
    },
  };
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "resolved",
    (error: unknown) => (error instanceof Fault ? error.code : error),
  );

describe("createBatcher()", () => {
  test("runs an operation again with the room it turns out to need, before it is finished", async () => {
    const { batcher, run, flight } = setUp({ batchMaxBytes: 2_000 });
    const again = () => ({ input: "b, in full", bytes: 1_900 });
    const all = [run("a"), batcher.run("removeHistory", "b", { again }), run("c")];
    const first = await flight(0);
    expect(first.ids).toEqual(["a", "b", "c"]);
    const late = run("d", 1_000);
    const finished = batcher.finish();
    first.land();
    const second = await flight(1);
    expect(second.ids).toEqual(["d"]);
    second.land();
    const third = await flight(2);
    expect(third.ids).toEqual(["b, in full"]);
    third.land();
    await finished;
    const answers: unknown[] = await Promise.all([...all, late]);
    expect(answers).toEqual(["a", "b, in full", "c", "d"]);
  });

  test("settles an operation that needs no other run", async () => {
    const { batcher, flight } = setUp();
    const running = batcher.run("removeHistory", "a", { again: () => undefined });
    (await flight(0)).land();
    expect(await running).toBe("a" as never);
  });

  test("sends what one turn asks for as one batch", async () => {
    const { run, flight } = setUp();
    const runs = [run("a"), run("b")];
    const { ids, land } = await flight(0);
    expect(ids).toEqual(["a", "b"]);
    land();
    expect(await Promise.all(runs)).toEqual(["a", "b"] as never[]);
  });

  test("gathers what comes while a batch is under way into the next one", async () => {
    const { run, flight } = setUp();
    const runs = [run("a")];
    const first = await flight(0);
    runs.push(run("b"));
    await Promise.resolve();
    runs.push(run("c"));
    first.land();
    const second = await flight(1);
    expect(second.ids).toEqual(["b", "c"]);
    second.land();
    await Promise.all(runs);
  });

  test.each([
    ["operations", { batchMax: 2 }, 0],
    ["bytes", { batchMaxBytes: 5_000 }, 2_000],
  ])("puts no more %s into a batch than allowed", async (_, limits, bytes) => {
    const { run, flight } = setUp(limits);
    const runs = ["a", "b", "c"].map((id) => run(id, bytes));
    const first = await flight(0);
    expect(first.ids).toEqual(["a", "b"]);
    first.land();
    const second = await flight(1);
    expect(second.ids).toEqual(["c"]);
    second.land();
    await Promise.all(runs);
  });

  test("sends an operation by itself that is larger than a batch may be", async () => {
    const { run, flight } = setUp({ batchMaxBytes: 10 });
    const runs = [run("a", 50), run("b", 50)];
    const first = await flight(0);
    expect(first.ids).toEqual(["a"]);
    first.land();
    (await flight(1)).land();
    await Promise.all(runs);
  });

  test.each([
    ["operations", { queuedMax: 2 }, 0],
    ["bytes", { queuedMaxBytes: 5_000 }, 2_000],
  ])(
    "refuses with store_busy when too many %s wait, and takes more later",
    async (_, limits, bytes) => {
      const { run, flight } = setUp(limits);
      const runs = [run("a", bytes), run("b", bytes)];
      expect(await codeOf(run("c", bytes))).toBe("store_busy");
      const first = await flight(0);
      runs.push(run("d", bytes));
      first.land();
      const second = await flight(1);
      expect(second.ids).toEqual(["d"]);
      second.land();
      await Promise.all(runs);
    },
  );

  test("refuses text with a NUL and sends what was asked for beside it", async () => {
    const { run, flight } = setUp();
    const runs = [run("a"), run("b\0b"), run("c")];
    expect(await codeOf(runs[1] ?? Promise.resolve())).toEqual(
      new RangeError("Cannot store text: it has a NUL at 1"),
    );
    const { ids, land } = await flight(0);
    expect(ids).toEqual(["a", "c"]);
    land();
    await Promise.all([runs[0], runs[2]]);
  });

  test("calls committed in commit order before any promise of the batch resolves", async () => {
    const { batcher, flight } = setUp();
    const events: string[] = [];
    const runs = ["a", "b"].map(async (id) => {
      await batcher.run("removeHistory", id, { committed: () => events.push(`committed ${id}`) });
      events.push(`resolved ${id}`);
    });
    (await flight(0)).land();
    await Promise.all(runs);
    expect(events).toEqual(["committed a", "committed b", "resolved a", "resolved b"]);
  });

  test("rejects only the operation whose outcome is a failure, and does not call its committed", async () => {
    const { batcher, flight } = setUp();
    const committed: string[] = [];
    const runs = ["a", "b", "c"].map((id) =>
      codeOf(batcher.run("removeHistory", id, { committed: () => committed.push(id) })),
    );
    (await flight(0)).land([
      { ok: true, value: true },
      { ok: false, failure: { message: "database or disk is full", sqliteCode: 13 } },
      { ok: true, value: true },
    ]);
    expect(await Promise.all(runs)).toEqual(["resolved", "store_full", "resolved"]);
    expect(committed).toEqual(["a", "c"]);
  });

  test("rejects a whole batch that could not be sent, and goes on with the next", async () => {
    const { run, flight } = setUp();
    const runs = [codeOf(run("a")), codeOf(run("b"))];
    const first = await flight(0);
    const later = run("c");
    first.crash();
    expect(await Promise.all(runs)).toEqual(["store_failed", "store_failed"]);
    (await flight(1)).land();
    expect(await later).toBe("c" as never);
  });

  test("settled() waits for the batch under way only when it has the key", async () => {
    const { batcher, run, flight } = setUp();
    const events: string[] = [];
    const running = run("a").then(() => events.push("ran a"));
    const { land } = await flight(0);
    const queued = run("b");
    const settled = batcher.settled("a").then(() => events.push("settled a"));
    await batcher.settled("b");
    await batcher.settled("nothing");
    expect(events).toEqual([]);
    land();
    await Promise.all([running, settled]);
    expect(events.toSorted()).toEqual(["ran a", "settled a"]);
    (await flight(1)).land();
    await queued;
  });

  test("finish() refuses what comes later and waits for what came before", async () => {
    const { batcher, run, flight } = setUp();
    const events: string[] = [];
    const runs = [run("a").then(() => events.push("a"))];
    const finished = batcher.finish().then(() => events.push("finished"));
    // No trouble of the store, so nobody is alarmed: a slow request outlived its server.
    expect(await codeOf(run("b"))).toBe("draining");
    expect(() => batcher.ensureOpen()).toThrow("the store is closed");
    (await flight(0)).land();
    await Promise.all([...runs, finished]);
    expect(events).toEqual(["a", "finished"]);
  });
});
