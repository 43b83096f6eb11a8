import { expect, test } from "bun:test";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Outbox } from "../../src/core/ports/outbox.ts";
import { openDatabase } from "../../src/engine/sqlite/database.ts";
import { createLanes } from "../../src/engine/sqlite/lanes.ts";
import { prepareOperations } from "../../src/engine/sqlite/operations.ts";
import { createOutbox } from "../../src/engine/sqlite/outbox.ts";
import { prepareOutbox } from "../../src/engine/sqlite/outbox-operations.ts";
import type { Thread } from "../../src/engine/sqlite/thread.ts";
import { prepareBatches } from "../../src/engine/sqlite/transaction.ts";
import type { OpenRequest } from "../../src/engine/sqlite/wire.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { MemoryOutbox } from "../support/memory-outbox.ts";
import { describeOutbox, type OutboxParts } from "./outbox.ts";

/** The store's own statements and batches with smaller bounds, in this thread. */
function openThread(request: OpenRequest, bounds: OutboxParts["bounds"]): Thread {
  const use = (database: DatabaseSync): Thread => {
    const operations = { ...prepareOperations(database), ...prepareOutbox(database, bounds) };
    const runBatch = prepareBatches(database, operations);
    return {
      // As between two threads: nothing is shared.
      request: async (batch) => structuredClone(runBatch(structuredClone(batch))),
      [Symbol.asyncDispose]: async () => database.close(),
    };
  };
  return openDatabase(request, use);
}

function openOutbox(writer: Thread, reader: Thread, { clock }: OutboxParts) {
  const lanes = createLanes({ writer, reader, clock, written: () => undefined });
  return Object.assign(
    createOutbox(lanes, () => undefined),
    {
      async [Symbol.asyncDispose]() {
        await Promise.all([lanes.write.finish(), lanes.read.finish()]);
        if (reader !== writer) await reader[Symbol.asyncDispose]();
        await writer[Symbol.asyncDispose]();
      },
    },
  );
}

describeOutbox({
  name: "SQLite in a file",
  keepsAfterClose: true,
  async open(parts) {
    const file = join(parts.place, "posthorn.db");
    const opening = { type: "open-writing", sync: "normal", seed: "s" } as const;
    const writer = openThread({ ...opening, location: { file } }, parts.bounds);
    return openOutbox(writer, openThread({ type: "open-reading", file }, parts.bounds), parts);
  },
});

describeOutbox({
  name: "SQLite in memory",
  keepsAfterClose: false,
  async open(parts) {
    const opening = { type: "open-writing", sync: "normal", seed: "s" } as const;
    const thread = openThread({ ...opening, location: "memory" }, parts.bounds);
    return openOutbox(thread, thread, parts);
  },
});

/** Chance that is the same in every run of a seed. */
function createChance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test.each([1, 2, 3, 4, 5])(
  "whatever happens, SQLite does what the plain outbox does (%i)",
  async (seed) => {
    const clock = new FakeClock();
    const bounds = { rowsMax: 12, maxBytes: 100, deadLettersMax: 6, orderedFailures: 2 };
    const opening = {
      type: "open-writing",
      location: "memory",
      sync: "normal",
      seed: "s",
    } as const;
    const thread = openThread(opening, bounds);
    await using sqlite = openOutbox(thread, thread, { place: "", clock, bounds });
    const plain = new MemoryOutbox(clock, bounds);
    const chance = createChance(seed);
    const ref = () => ({ endpoint: `e${chance(2)}`, id: `${chance(20)}` });
    const steps: readonly (() => (outbox: Outbox) => Promise<unknown>)[] = [
      () => {
        const [{ endpoint, id }, createdAtMs] = [ref(), clock.nowMs()];
        // An event belongs to one device, in every delivery of it.
        const orderKey = ["", "door", "gate"][Number(id) % 3] ?? "";
        const entry = { endpoint, id, type: "t", orderKey, body: `${createdAtMs}`, createdAtMs };
        return (outbox) => outbox.add([entry]);
      },
      () => {
        const query = { endpoint: `e${chance(2)}`, nowMs: clock.nowMs(), max: 100, leaseMs: 5 };
        return (outbox) => outbox.take(query);
      },
      () => {
        const it = ref();
        return (outbox) => outbox.done(it);
      },
      () => {
        const [it, atMs] = [ref(), clock.nowMs() + chance(10)];
        return (outbox) => outbox.retry(it, atMs);
      },
      () => {
        const [it, atMs] = [ref(), clock.nowMs()];
        return (outbox) => outbox.bury(it, { atMs, why: "said no" });
      },
      () => {
        const it = ref();
        return (outbox) => outbox.replay(it);
      },
      () => (outbox) => outbox.deadLetters({ limit: 100 }),
      () => (outbox) => outbox.outboxCounts("e0"),
    ];
    for (let count = 0; count < 1_000; count++) {
      clock.advance(chance(3));
      const step = steps[chance(steps.length)]?.();
      expect(await step?.(sqlite)).toEqual(await step?.(plain));
    }
  },
);
