import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseChannel } from "../../src/core/channel.ts";
import type { Append } from "../../src/core/ports/engine.ts";
import { openDatabase } from "../../src/engine/sqlite/database.ts";
import { createSqliteEngine } from "../../src/engine/sqlite/engine.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createFakeEntropy } from "../support/fake-entropy.ts";
import { RecordingLog } from "../support/recording-log.ts";

const APPENDS = 300;

let place: string;
let file: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "posthorn-commits-"));
  file = join(place, "posthorn.db");
});
afterEach(() => rm(place, { recursive: true }));

describe("the connection that writes", () => {
  // https://www.sqlite.org/pragma.html#pragma_synchronous: in WAL mode only FULL syncs each commit.
  test.each([
    ["full", 2],
    ["normal", 1],
  ] as const)("of sync %s has PRAGMA synchronous = %i", (sync, level) => {
    const request = { type: "open-writing", location: { file }, sync, seed: "s" } as const;
    openDatabase(request, (database) => {
      expect(database.prepare("PRAGMA synchronous").get()).toEqual({ synchronous: level });
      expect(database.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
      database.close();
    });
  });
});

describe("commits", () => {
  async function openEngine() {
    return createSqliteEngine({
      location: { file },
      sync: "full",
      deliver: () => undefined,
      outboxGrew: () => undefined,
      ownEvents: { retention: { sizeMax: 1, ttlMs: 1 }, endpoints: {} },
      clock: new FakeClock(),
      entropy: createFakeEntropy(),
      log: new RecordingLog(),
    });
  }

  const entry = (data: number): Append => ({
    channel: parseChannel("device:door"),
    publication: { data: String(data), timeMs: 0 },
    retention: { sizeMax: APPENDS, ttlMs: 1_000_000 },
  });

  test("are far fewer than the appends that came together", async () => {
    await using engine = await openEngine();
    const before = await commitsIn(`${file}-wal`);
    await Promise.all(Array.from({ length: APPENDS }, (_, n) => engine.append(entry(n))));
    const commits = (await commitsIn(`${file}-wal`)) - before;
    expect(commits).toBeGreaterThan(0);
    expect(commits).toBeLessThanOrEqual(APPENDS / 10);
  });

  test("are one for each append that waited for the one before", async () => {
    await using engine = await openEngine();
    const before = await commitsIn(`${file}-wal`);
    for (let n = 0; n < 10; n += 1) await engine.append(entry(n));
    expect((await commitsIn(`${file}-wal`)) - before).toBe(10);
  });
});

/** Counts the frames that end a transaction: those that tell the size of the database (https://www.sqlite.org/fileformat2.html#walformat). */
async function commitsIn(log: string): Promise<number> {
  const bytes = await Bun.file(log).bytes();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pageBytes = view.getUint32(8);
  let commits = 0;
  for (let at = 32; at + 24 <= bytes.length; at += 24 + pageBytes) {
    if (view.getUint32(at + 4) > 0) commits += 1;
  }
  return commits;
}
