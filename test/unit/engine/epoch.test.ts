import { expect, test } from "bun:test";
import type { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../../../src/engine/sqlite/database.ts";
import { prepareFirstEpoch, prepareNextLife } from "../../../src/engine/sqlite/epoch.ts";

const openMemory = (seed: string): DatabaseSync =>
  openDatabase({ type: "open-writing", location: "memory", sync: "full", seed }, (it) => it);

test("a first epoch is eight letters that follow from the store's seed and the channel", () => {
  using database = openMemory("one");
  using other = openMemory("two");
  const [firstEpoch, otherEpoch] = [prepareFirstEpoch(database), prepareFirstEpoch(other)];
  expect(firstEpoch("door")).toMatch(/^[a-z]{8}$/);
  expect(firstEpoch("door")).toBe(firstEpoch("door"));
  expect(firstEpoch("door")).not.toBe(firstEpoch("gate"));
  expect(firstEpoch("door")).not.toBe(otherEpoch("door"));
});

test("a next life gives its channel a new epoch each time, and hardly any other one", () => {
  using database = openMemory("one");
  const [firstEpoch, startNextLife] = [prepareFirstEpoch(database), prepareNextLife(database)];
  const others = Array.from({ length: 1000 }, (_, index) => `gate${index}`);
  const before = others.map(firstEpoch);
  const epochs = [firstEpoch("door")];
  for (let life = 0; life < 5; life++) {
    startNextLife("door");
    epochs.push(firstEpoch("door"));
  }
  expect(new Set(epochs).size).toBe(6);
  expect(others.map(firstEpoch)).toEqual(before);
});

test("lives are counted in a bounded number of rows", () => {
  using database = openMemory("one");
  const startNextLife = prepareNextLife(database);
  for (let index = 0; index < 2_000; index++) startNextLife(`door${index}`);
  const row = database.prepare(
    "SELECT max(bucket) AS highest, sum(value) AS lives FROM generation",
  );
  expect(row.get()).toMatchObject({ lives: 2_000 });
  expect(Number(row.get()?.["highest"])).toBeLessThan(65_536);
});
