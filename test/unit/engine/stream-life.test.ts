import { afterEach, beforeEach, expect, test } from "bun:test";
import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../../../src/engine/sqlite/database.ts";
import { type Operations, prepareOperations } from "../../../src/engine/sqlite/operations.ts";
import { expiryAfter, prepareForgetStreams } from "../../../src/engine/sqlite/stream-life.ts";

let database: DatabaseSync;
let operations: Operations;

beforeEach(() => {
  database = openDatabase(
    { type: "open-writing", location: "memory", sync: "full", seed: "s" },
    (it) => it,
  );
  operations = prepareOperations(database);
});
afterEach(() => database.close());

function append(channel: string, times: number, metaTtlMs = 100): void {
  const retention = { sizeMax: 1000, ttlMs: 1000, metaTtlMs };
  const publication = { timeMs: 0, data: "1", tags: null, info: null };
  const unguarded = { dedupe: null, version: null, outbox: [] };
  for (let time = 0; time < times; time++) {
    operations.append({ channel, ...publication, retention, ...unguarded }, 0);
  }
}

/** Forgets round by round and returns what was left after each: streams, publications. */
function forget(limits: { readonly streamsMax: number; readonly rowsMax: number }): number[][] {
  const forgetStreams = prepareForgetStreams(database, limits);
  const left: number[][] = [];
  for (let more = true; more; ) {
    more = forgetStreams(200);
    left.push(["channel", "publication"].map(count));
  }
  return left;
}

function count(table: string): number {
  return Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"]);
}

test("one round forgets no more publications than allowed, oldest first", () => {
  append("door", 5);
  append("gate", 2);
  append("kept", 1, 1000);
  const forgetStreams = prepareForgetStreams(database, { streamsMax: 10, rowsMax: 3 });
  expect(forgetStreams(200)).toBe(true);
  const door = { channel: "door", sinceOffset: null, limit: 9, reverse: false, ttlMs: 1000 };
  const unbounded = { maxBytes: null, whole: false };
  const { publications, ...top } = operations.history({ ...door, ...unbounded }, 0);
  expect(top).toMatchObject({ offset: 5 });
  expect(publications.map(({ offset }) => offset)).toEqual([4, 5]);
  expect(forget({ streamsMax: 10, rowsMax: 3 })).toEqual([
    [2, 2],
    [1, 1],
  ]);
});

test("one round forgets no more streams than allowed", () => {
  for (const channel of ["a", "b", "c", "d", "e"]) append(channel, 1);
  expect(forget({ streamsMax: 2, rowsMax: 100 })).toEqual([
    [3, 3],
    [1, 1],
    [0, 0],
  ]);
});

test("a removed history goes in rounds, and its channel's next life is not begun", () => {
  append("door", 5, 1000);
  operations.removeHistory("door");
  expect(forget({ streamsMax: 10, rowsMax: 3 })).toEqual([
    [2, 2],
    [1, 0],
  ]);
  expect(count("generation")).toBe(0);
});

test("a history that is already empty is not removed again", () => {
  append("door", 1);
  for (let time = 0; time < 5; time++) operations.removeHistory("door");
  expect(count("channel")).toBe(2);
});

test.each([
  { when: "the first time", known: null, metaTtlMs: 1000, expected: 1010 },
  { when: "when less than its time is left", known: 999, metaTtlMs: 1000, expected: 1010 },
  { when: "not while its time is left", known: 1000, metaTtlMs: 1000, expected: undefined },
  { when: "not while the slack lasts", known: 1010, metaTtlMs: 1000, expected: undefined },
  { when: "when its time was shortened", known: 1011, metaTtlMs: 1000, expected: 1010 },
  { when: "when it is to stay for good", known: 1000, metaTtlMs: undefined, expected: null },
  { when: "not when it stays for good", known: null, metaTtlMs: undefined, expected: undefined },
  { when: "by whole milliseconds", known: null, metaTtlMs: 1, expected: 2 },
])("an append puts off the end of its stream $when", ({ known, metaTtlMs, expected }) => {
  expect(expiryAfter(known, metaTtlMs, 0)).toBe(expected);
});
