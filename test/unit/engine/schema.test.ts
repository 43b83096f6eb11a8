import { expect, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { prepareFindDevice } from "../../../src/engine/sqlite/device-rows.ts";
import { migrate } from "../../../src/engine/sqlite/schema.ts";
import { FIRST_SCHEMA } from "../../support/first-schema.ts";

/** What of it the later steps build upon, as it shipped. */
const THIRD_SCHEMA = `${FIRST_SCHEMA};
  CREATE TABLE command (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, device TEXT NOT NULL,
    sender TEXT NOT NULL, key TEXT, priority INTEGER NOT NULL, status TEXT NOT NULL,
    due_at_ms INTEGER, finished_at_ms INTEGER, record TEXT NOT NULL
  ) STRICT;
  CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL,
    order_key TEXT NOT NULL, created_at_ms INTEGER NOT NULL, failures INTEGER NOT NULL DEFAULT 0,
    due_at_ms INTEGER NOT NULL, held INTEGER NOT NULL, died_at_ms INTEGER, why TEXT,
    forget_at_ms INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (endpoint, id)
  ) STRICT;
  PRAGMA user_version = 3`;

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

test("migrate() counts the commands that an earlier build left, and keeps what waited for webhooks", () => {
  using database = new DatabaseSync(":memory:");
  database.exec(`${THIRD_SCHEMA};
    INSERT INTO command (id, device, sender, priority, status, record)
      VALUES ('a', 'd', 'backend', 0, 'queued', '{}'), ('b', 'd', 'backend', 0, 'queued', '{}'),
        ('c', 'd', 'backend', 0, 'done', '{}');
    INSERT INTO outbox (endpoint, id, type, order_key, created_at_ms, due_at_ms, held, forget_at_ms, body)
      VALUES ('shop', 'e', 'sold', '', 1, 1, 0, 9, '{}');
  `);
  migrate(database);
  const counts = database.prepare("SELECT status, commands FROM command_count ORDER BY status");
  expect(counts.all()).toEqual([
    { status: "done", commands: 1 },
    { status: "queued", commands: 2 },
  ]);
  database.exec(
    "UPDATE command SET status = 'leased' WHERE id = 'a'; DELETE FROM command WHERE id = 'c'",
  );
  expect(counts.all()).toEqual([
    { status: "done", commands: 0 },
    { status: "leased", commands: 1 },
    { status: "queued", commands: 1 },
  ]);
  expect(database.prepare("SELECT id, traceparent, tracestate FROM outbox").all()).toEqual([
    { id: "e", traceparent: null, tracestate: null },
  ]);
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
