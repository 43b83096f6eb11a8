import { expect, test } from "bun:test";
import { createHealthLog } from "../../../src/engine/sqlite/health.ts";
import type { Outcome } from "../../../src/engine/sqlite/wire.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const fine: Outcome = { ok: true, value: null };
const full: Outcome = {
  ok: false,
  failure: { message: "database or disk is full", sqliteCode: 13 },
};
const broken: Outcome = { ok: false, failure: { message: "disk I/O error", sqliteCode: 10 } };
const refused: Outcome = {
  ok: false,
  failure: { message: "Cannot keep it", fault: { code: "device_meta_too_large", detail: "x" } },
};
const bug: Outcome = { ok: false, failure: { message: "x is undefined" } };

function eventsOf(...batches: Outcome[][]): string[] {
  const log = new RecordingLog();
  const hear = createHealthLog(log);
  for (const batch of batches) hear(batch);
  return log.lines.map(({ event, fields }) => `${event} ${fields["found"] ?? fields["after"]}`);
}

test("a trouble of the store is logged once, however many writes it refuses", () => {
  expect(eventsOf([fine], [full, full], [full])).toEqual(["store.failed the disk is full"]);
});

test("another trouble is logged again", () => {
  expect(eventsOf([full], [broken])).toEqual([
    "store.failed the disk is full",
    "store.failed the disk failed",
  ]);
});

test("the first batch that works again is logged once", () => {
  expect(eventsOf([full], [fine], [fine])).toEqual([
    "store.failed the disk is full",
    "store.recovered the disk is full",
  ]);
});

test("a bug is logged with every batch it spoils, and nothing recovers from it", () => {
  expect(eventsOf([bug, fine, bug], [fine], [bug])).toEqual([
    "store.failed bug",
    "store.failed bug",
  ]);
});

test("a refusal is no trouble and no proof that the store works again", () => {
  expect(eventsOf([refused], [full], [refused])).toEqual(["store.failed the disk is full"]);
  expect(eventsOf([full], [refused, fine], [refused])).toEqual([
    "store.failed the disk is full",
    "store.recovered the disk is full",
  ]);
});
