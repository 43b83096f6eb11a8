import { expect, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import { migrate } from "../../../src/engine/sqlite/schema.ts";

const versionOf = (database: DatabaseSync) =>
  Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);

test("migrate() brings a new database to the newest version, and once is enough", () => {
  using database = new DatabaseSync(":memory:");
  migrate(database);
  const version = versionOf(database);
  expect(version).toBeGreaterThan(0);
  migrate(database);
  expect(versionOf(database)).toBe(version);
});

test("migrate() keeps what the first schema held, as streams without an end or a version", () => {
  using database = new DatabaseSync(":memory:");
  migrate(database);
  database.exec(`
    DROP INDEX channel_expiry;
    DROP TABLE generation;
    ALTER TABLE channel DROP COLUMN version;
    ALTER TABLE channel DROP COLUMN version_epoch;
    ALTER TABLE channel DROP COLUMN expires_at_ms;
    INSERT INTO channel VALUES (1, 'door', 'abcdefgh', 1);
    INSERT INTO publication VALUES (1, 1, 1, 9, 'one', NULL, NULL);
    PRAGMA user_version = 1;
  `);
  migrate(database);
  expect(database.prepare("SELECT * FROM channel").get()).toEqual({
    id: 1,
    name: "door",
    epoch: "abcdefgh",
    top_offset: 1,
    version: 0,
    version_epoch: "",
    expires_at_ms: null,
  });
  expect(database.prepare("SELECT data FROM publication").get()).toEqual({ data: "one" });
});

test("migrate() refuses the schema of a newer build and leaves it alone", () => {
  using database = new DatabaseSync(":memory:");
  migrate(database);
  const known = versionOf(database);
  database.exec("PRAGMA user_version = 99");
  expect(() => migrate(database)).toThrow(`its schema is 99, this build knows ${known}`);
  expect(versionOf(database)).toBe(99);
  expect(database.isTransaction).toBe(false);
});

test("migrate() refuses another program's database and leaves it alone", () => {
  using database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE song (title TEXT)");
  expect(() => migrate(database)).toThrow("it belongs to another program");
  expect(database.prepare("SELECT name FROM sqlite_schema").all()).toHaveLength(1);
});
