import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdir, rm } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { openDatabase } from "../../../src/engine/sqlite/database.ts";
import { rehearseOpening } from "../../../src/engine/sqlite/rehearsal.ts";
import { FIRST_SCHEMA } from "../../support/first-schema.ts";
import { Workspace } from "../../support/workspace.ts";

let workspace: Workspace;
let file: string;

beforeEach(async () => {
  workspace = await Workspace.make();
  file = workspace.file("posthorn.db");
  openDatabase({ type: "open-writing", location: { file }, sync: "full", seed: "one" }, (it) =>
    it.close(),
  );
});
afterEach(() => workspace[Symbol.asyncDispose]());

function change(sql: string): void {
  using database = new DatabaseSync(file);
  database.exec(sql);
}

test("rehearseOpening() is content with a store of this build, and with none", () => {
  rehearseOpening(file, 1);
  rehearseOpening(workspace.file("none.db"), 1);
});

test("rehearseOpening() throws when only the log of a store is there", async () => {
  await rm(file);
  await Bun.write(`${file}-wal`, "something");
  expect(() => rehearseOpening(file, 1)).toThrow("put the database back");
});

test("rehearseOpening() migrates a copy of an older store, and leaves no trace", async () => {
  await rm(file);
  change(`${FIRST_SCHEMA}; PRAGMA user_version = 1`);
  rehearseOpening(file, 1);
  using database = new DatabaseSync(file);
  expect(database.prepare("PRAGMA user_version").get()).toEqual({ user_version: 1 });
  expect(await readdir(workspace.path)).toEqual(["posthorn.db"]);
});

test("rehearseOpening() throws what a newer store, or a migration that fails, would", async () => {
  change("PRAGMA user_version = 99");
  expect(() => rehearseOpening(file, 1)).toThrow("start the newer Posthorn that wrote it");
  for (const name of await readdir(workspace.path)) await rm(workspace.file(name));
  change(`${FIRST_SCHEMA}; ALTER TABLE channel ADD COLUMN version TEXT; PRAGMA user_version = 1`);
  expect(() => rehearseOpening(file, 1)).toThrow("duplicate column name");
  expect(await readdir(workspace.path)).toEqual(["posthorn.db"]);
});
