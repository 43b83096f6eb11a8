import { expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { HistoryQuery } from "../../../src/core/ports/engine.ts";
import type { HistoryInput } from "../../../src/engine/sqlite/history-statements.ts";
import { createLanes } from "../../../src/engine/sqlite/lanes.ts";
import { createStreams } from "../../../src/engine/sqlite/streams.ts";
import type { Thread } from "../../../src/engine/sqlite/thread.ts";
import type { BatchRequest, Outcome } from "../../../src/engine/sqlite/wire.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const DOOR = parseChannel("device:door");
const MB = 1024 * 1024;

/** Streams over a reader whose histories weigh so much; it tells what was asked of it, by batch. */
function reading(weightBytes: number) {
  const batches: HistoryInput[][] = [];
  const thread: Thread = {
    async request({ calls }: BatchRequest): Promise<readonly Outcome[]> {
      const inputs = calls.map(({ input }) => input as HistoryInput);
      batches.push(inputs);
      return inputs.map(({ limit, maxBytes }): Outcome => {
        const isCut = limit > 0 && maxBytes !== null && maxBytes < weightBytes;
        return { ok: true, value: { epoch: "e", offset: 1, publications: [], isCut } };
      });
    },
    async [Symbol.asyncDispose]() {},
  };
  const clock = new FakeClock();
  const lanes = createLanes({ writer: thread, reader: thread, clock, written() {} });
  const streams = createStreams(lanes, { told() {}, deliver() {}, outboxGrew() {} });
  const readAll = (count: number, query: Partial<HistoryQuery>) =>
    Promise.all(
      Array.from({ length: count }, () =>
        streams.history(DOOR, { limit: 300, ttlMs: 1, ...query }),
      ),
    );
  return { batches, readAll };
}

/** What the answers to a batch may weigh at most. */
function mayWeigh(batch: readonly HistoryInput[]): number {
  return batch.reduce((sum, { limit, maxBytes }) => sum + (limit > 0 ? (maxBytes ?? 0) : 0), 0);
}

test("streams.history() reads what weighs little in full batches", async () => {
  const { batches, readAll } = reading(1000);
  await readAll(2 * LIMITS.readsPerBatch, { maxBytes: 8 * MB, whole: true });
  expect(batches.map(({ length }) => length)).toEqual([64, 64]);
  for (const batch of batches) expect(mayWeigh(batch)).toBeLessThan(LIMITS.readBatchMaxBytes);
});

test("streams.history() never asks for more at a time than a batch may weigh", async () => {
  const { batches, readAll } = reading(3 * MB);
  const found = await readAll(20, { maxBytes: 5 * MB, whole: true });
  expect(found.map(({ isCut }) => isCut)).toEqual(Array(20).fill(undefined));
  expect(batches.map(({ length }) => length)).toEqual([20, 3, 3, 3, 3, 3, 3, 2]);
  for (const batch of batches) expect(mayWeigh(batch)).toBeLessThan(LIMITS.readBatchMaxBytes);
});

test("streams.history() reads alone what has no bound", async () => {
  const { batches, readAll } = reading(MB);
  await readAll(3, {});
  expect(batches.map(({ length }) => length)).toEqual([3, 1, 1, 1]);
  expect(batches.at(-1)).toMatchObject([{ maxBytes: null, whole: false }]);
});

test("streams.history() asks for positions in full batches and once", async () => {
  const { batches, readAll } = reading(MB);
  await readAll(64, { limit: 0, maxBytes: 0, whole: true });
  expect(batches.map(({ length }) => length)).toEqual([64]);
});

test("streams.history() says of a page that it was cut, and goes on with the asked bound", async () => {
  const { batches, readAll } = reading(3 * MB);
  const [page] = await readAll(1, { maxBytes: MB });
  expect(page).toMatchObject({ isCut: true });
  expect(batches.map(([input]) => [input?.maxBytes === MB, input?.whole])).toEqual([
    [false, true],
    [true, false],
  ]);
});
