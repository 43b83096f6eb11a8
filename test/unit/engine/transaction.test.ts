import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { AppendInput } from "../../../src/engine/sqlite/append-statements.ts";
import { openDatabase } from "../../../src/engine/sqlite/database.ts";
import { type Operations, prepareOperations } from "../../../src/engine/sqlite/operations.ts";
import { prepareBatches } from "../../../src/engine/sqlite/transaction.ts";
import type { Call } from "../../../src/engine/sqlite/wire.ts";

let place: string;
let file: string;
let database: DatabaseSync;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "posthorn-transaction-"));
  file = join(place, "posthorn.db");
  database = openDatabase(
    { type: "open-writing", location: { file }, sync: "normal", seed: "s" },
    (opened) => opened,
  );
});
afterEach(() => {
  database.close();
  rmSync(place, { recursive: true });
});

const append = (data: string, more: Partial<AppendInput> = {}): Call => ({
  name: "append",
  input: {
    channel: "c",
    timeMs: 1,
    data,
    tags: null,
    info: null,
    retention: { sizeMax: 1_000_000, ttlMs: 1000 },
    dedupe: null,
    version: null,
    outbox: [],
    ...more,
  },
});

/** An append that SQLite refuses half-way: its channel row is already advanced by then. */
const poison = append("poison", { timeMs: 1.5 });

function runWrites(calls: readonly Call[], operations = prepareOperations(database)) {
  const outcomes = prepareBatches(
    database,
    operations,
  )({
    type: "batch",
    access: "write",
    nowMs: 1,
    calls,
  });
  return outcomes.map((outcome) => (outcome.ok ? outcome.value : outcome.failure.message));
}

const stored = () =>
  database.prepare("SELECT offset, data FROM publication ORDER BY offset").all() as unknown[];

test("a poisonous operation fails alone and leaves no trace", () => {
  const outcomes = runWrites([append("1"), poison, append("2")]);
  expect(outcomes).toEqual([
    expect.objectContaining({ offset: 1 }),
    "cannot store REAL value in INTEGER column publication.time_ms",
    expect.objectContaining({ offset: 2 }),
  ]);
  expect(stored().map((row) => ({ ...(row as object) }))).toEqual([
    { offset: 1, data: "1" },
    { offset: 2, data: "2" },
  ]);
});

test("a poisonous operation by itself fails, and the next batch works", () => {
  expect(runWrites([poison])).toEqual([expect.stringContaining("cannot store REAL value")]);
  expect(runWrites([append("1")])).toEqual([expect.objectContaining({ offset: 1 })]);
});

test("an operation with a bug fails alone", () => {
  const operations: Operations = {
    ...prepareOperations(database),
    removeDevice: () => {
      throw new TypeError("a bug");
    },
  };
  const outcomes = runWrites([append("1"), { name: "removeDevice", input: "d" }], operations);
  expect(outcomes).toEqual([expect.objectContaining({ offset: 1 }), "a bug"]);
});

test("trouble of the store fails the whole batch at the first try", () => {
  let tries = 0;
  const operations: Operations = {
    ...prepareOperations(database),
    removeDevice: () => {
      tries += 1;
      throw Object.assign(new Error("disk I/O error"), { errcode: 778 });
    },
  };
  const outcomes = runWrites([append("1"), { name: "removeDevice", input: "d" }], operations);
  expect(outcomes).toEqual(["disk I/O error", "disk I/O error"]);
  expect(tries).toBe(1);
  expect(stored()).toEqual([]);
});

test("a full disk fails the whole batch, stores none of it, and heals with space", () => {
  const pages = Number(database.prepare("PRAGMA page_count").get()?.["page_count"]);
  database.exec(`PRAGMA max_page_count = ${pages + 2}`);
  const large = ["1", "2", "3"].map((data) => append(data.repeat(5_000)));
  const full = "database or disk is full";
  expect(runWrites(large)).toEqual([full, full, full]);
  expect(stored()).toEqual([]);
  database.exec("PRAGMA max_page_count = 1000000");
  expect(runWrites(large)).toHaveLength(3);
  expect(stored()).toHaveLength(3);
});

test("another process's write lock fails the whole batch, until it is released", () => {
  database.exec("PRAGMA busy_timeout = 1");
  const other = new DatabaseSync(file);
  other.exec("BEGIN IMMEDIATE");
  expect(runWrites([append("1"), append("2")])).toEqual([
    "database is locked",
    "database is locked",
  ]);
  other.close();
  expect(runWrites([append("1")])).toEqual([expect.objectContaining({ offset: 1 })]);
});

test("what appends and sweeps look up is indexed, however much is stored", () => {
  const plan = (sql: string) =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map((row) => String(row["detail"]));
  const plans = [
    "UPDATE channel SET top_offset = top_offset + 1 WHERE name = 'c' RETURNING id",
    "DELETE FROM publication WHERE channel_id = 1 AND offset <= 5",
    "SELECT offset FROM dedupe WHERE scope = 's' AND id = 'i' AND expires_at_ms > 1",
    "SELECT channel_id FROM publication WHERE expires_at_ms <= 1 ORDER BY expires_at_ms LIMIT 5",
    "SELECT scope FROM dedupe WHERE expires_at_ms <= 1 ORDER BY expires_at_ms LIMIT 5",
    "SELECT epoch FROM channel WHERE name = 'c' AND version >= 7",
    "SELECT name FROM channel WHERE expires_at_ms <= 1 ORDER BY expires_at_ms LIMIT 5",
    "SELECT offset FROM publication WHERE channel_id = 1 ORDER BY offset LIMIT 5",
    "SELECT data FROM publication WHERE channel_id = 1 AND offset < 9 ORDER BY offset DESC LIMIT 1",
  ].flatMap(plan);
  expect(plans.filter((detail) => !detail.startsWith("SEARCH"))).toEqual([]);
  expect(plans).toHaveLength(9);
});
