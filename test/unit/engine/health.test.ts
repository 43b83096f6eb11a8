import { expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHealthLog } from "../../../src/engine/sqlite/health.ts";
import { hasRoom } from "../../../src/engine/sqlite/room.ts";
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
  const hear = createHealthLog(log, () => true);
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

test("a full disk that takes a small write has not recovered before there is room", () => {
  const log = new RecordingLog();
  let isRoomy = false;
  const hear = createHealthLog(log, () => isRoomy);
  for (const batch of [[full], [fine], [full]]) hear(batch);
  expect(log.lines.map(({ event }) => event)).toEqual(["store.failed"]);
  isRoomy = true;
  hear([fine]);
  expect(log.lines.map(({ event }) => event)).toEqual(["store.failed", "store.recovered"]);
});

test("trouble that is not about room recovers without asking for it", () => {
  const log = new RecordingLog();
  const hear = createHealthLog(log, () => false);
  for (const batch of [[broken], [fine]]) hear(batch);
  expect(log.of("store.recovered")).toEqual([{ after: "the disk failed" }]);
});

test("hasRoom() asks the disk of the store, and takes the store's word where there is none", () => {
  const location = { file: join(tmpdir(), "posthorn.db") };
  expect(hasRoom(location, 0)).toBe(true);
  expect(hasRoom(location, Number.POSITIVE_INFINITY)).toBe(false);
  expect(hasRoom({ file: "/posthorn-is-not-here/db" }, Number.POSITIVE_INFINITY)).toBe(true);
  expect(hasRoom("memory", Number.POSITIVE_INFINITY)).toBe(true);
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
