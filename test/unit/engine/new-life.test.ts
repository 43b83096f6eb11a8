import { expect, test } from "bun:test";
import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../../../src/engine/sqlite/database.ts";
import { prepareFirstEpoch } from "../../../src/engine/sqlite/epoch.ts";
import { beginNewLife, markAsCopy } from "../../../src/engine/sqlite/new-life.ts";

const open = (): DatabaseSync =>
  openDatabase({ type: "open-writing", location: "memory", sync: "full", seed: "one" }, (it) => it);

/** A store that has counted everything it counts. */
function openUsed(): DatabaseSync {
  const database = open();
  database.exec(`
    INSERT INTO channel (id, name, epoch, top_offset) VALUES (3, 'door', 'doorwas1', 7);
    INSERT INTO channel (id, name, epoch, top_offset) VALUES (9, 'gate', 'gatewas1', 2);
    INSERT INTO dedupe (scope, id, expires_at_ms, epoch, offset)
      VALUES ('door', 'a', 9, 'doorwas1', 7), ('hall', 'b', 9, 'gonelong', 4);
    INSERT INTO device (id, name, secret_hash, created_at_ms, generation)
      VALUES ('42', '', 'h', 1, 5), ('43', '', 'h', 1, 0);
    INSERT INTO former_device VALUES (1, 8);
    INSERT INTO device_state VALUES ('42', '{}', 6, 1, '{}', 0, NULL);
  `);
  return database;
}

const all = (database: DatabaseSync, sql: string) =>
  database
    .prepare(sql)
    .all()
    .map((row) => Object.values(row));

test("beginNewLife() leaves a store that is no copy as it is", () => {
  using database = openUsed();
  const before = all(database, "SELECT * FROM channel");
  beginNewLife(database, "two");
  expect(all(database, "SELECT * FROM channel")).toEqual(before);
  expect(all(database, "SELECT seed FROM store")).toEqual([["one"]]);
});

test("beginNewLife() gives every channel of a copy another epoch at the same offset", () => {
  using database = openUsed();
  const neverUsed = prepareFirstEpoch(database)("hall");
  markAsCopy(database, 1);
  beginNewLife(database, "two");
  const firstEpoch = prepareFirstEpoch(database);
  expect(all(database, "SELECT name, epoch, top_offset FROM channel ORDER BY id")).toEqual([
    ["door", firstEpoch("door"), 7],
    ["gate", firstEpoch("gate"), 2],
  ]);
  expect(firstEpoch("hall")).not.toBe(neverUsed);
});

test("beginNewLife() lets what is remembered of ids follow to the new epochs", () => {
  using database = openUsed();
  markAsCopy(database, 1);
  beginNewLife(database, "two");
  expect(all(database, "SELECT id, epoch, offset FROM dedupe ORDER BY id")).toEqual([
    ["a", prepareFirstEpoch(database)("door"), 7],
    ["b", "gonelong", 4],
  ]);
});

test("beginNewLife() moves numbers that others compare past those the original gave out", () => {
  using database = openUsed();
  markAsCopy(database, 1);
  beginNewLife(database, "two");
  expect(all(database, "SELECT id, generation FROM device ORDER BY id")).toEqual([
    ["42", 1_000_000_005],
    ["43", 0],
  ]);
  expect(all(database, "SELECT generation FROM former_device")).toEqual([[1_000_000_008]]);
  expect(all(database, "SELECT reported_version, desired_version FROM device_state")).toEqual([
    [1_000_000_006, 0],
  ]);
});

test("a copy begins one new life, and each copy of it another", () => {
  const epochAfter = (seed: string) => {
    using database = openUsed();
    markAsCopy(database, 1);
    beginNewLife(database, seed);
    const [first] = all(database, "SELECT epoch FROM channel");
    beginNewLife(database, `${seed} again`);
    expect(all(database, "SELECT epoch FROM channel")[0]).toEqual(first);
    return first;
  };
  expect(epochAfter("two")).not.toEqual(epochAfter("three"));
});
