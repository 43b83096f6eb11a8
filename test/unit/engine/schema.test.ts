import { expect, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { prepareFindDevice } from "../../../src/engine/sqlite/device-rows.ts";
import { migrate } from "../../../src/engine/sqlite/schema.ts";

/** As it shipped. */
const FIRST_SCHEMA = `
  PRAGMA application_id = ${0x506f7374};
  CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1), seed TEXT NOT NULL, touched_at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE channel (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch TEXT NOT NULL,
    top_offset INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE publication (
    channel_id INTEGER NOT NULL REFERENCES channel (id), offset INTEGER NOT NULL,
    time_ms INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL, data TEXT NOT NULL, tags TEXT,
    info TEXT, PRIMARY KEY (channel_id, offset)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX publication_expiry ON publication (expires_at_ms);
  CREATE TABLE dedupe (
    scope TEXT NOT NULL, id TEXT NOT NULL, expires_at_ms INTEGER NOT NULL, epoch TEXT NOT NULL,
    offset INTEGER NOT NULL, PRIMARY KEY (scope, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX dedupe_expiry ON dedupe (expires_at_ms);
  CREATE TABLE device (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, secret_hash TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`;

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

test("migrate() keeps what the first schema held, with what came later at its default", () => {
  using database = new DatabaseSync(":memory:");
  database.exec(`${FIRST_SCHEMA};
    INSERT INTO channel VALUES (1, 'door', 'abcdefgh', 1);
    INSERT INTO publication VALUES (1, 1, 1, 9, 'one', NULL, NULL);
    INSERT INTO dedupe VALUES ('s', 'i', 9, 'abcdefgh', 1);
    INSERT INTO device VALUES ('door', 'Door', 'h', 5);
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
  expect(database.prepare("SELECT id, fingerprint FROM dedupe").get()).toEqual({
    id: "i",
    fingerprint: null,
  });
  expect(prepareFindDevice(database)(parseDeviceId("door"))).toEqual({
    id: parseDeviceId("door"),
    name: "Door",
    meta: "{}",
    secretHash: "h",
    enrollment: "closed",
    createdAtMs: 5,
    online: false,
    generation: 0,
  });
  expect(database.prepare("SELECT * FROM device_count").get()).toEqual({ id: 1, devices: 1 });
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
