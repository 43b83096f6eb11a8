import type { DatabaseSync } from "node:sqlite";

/** "Post" in ASCII: tells our files from databases of other programs (`PRAGMA application_id`). */
const APPLICATION_ID = 0x506f7374;

/** Every schema change, oldest first. A step that has shipped is never edited. */
const STEPS: readonly string[] = [
  `
  PRAGMA application_id = ${APPLICATION_ID};

  CREATE TABLE store (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    seed TEXT NOT NULL,
    touched_at_ms INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE channel (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    epoch TEXT NOT NULL,
    top_offset INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE publication (
    channel_id INTEGER NOT NULL REFERENCES channel (id),
    offset INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    data TEXT NOT NULL,
    tags TEXT,
    info TEXT,
    PRIMARY KEY (channel_id, offset)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX publication_expiry ON publication (expires_at_ms);

  CREATE TABLE dedupe (
    scope TEXT NOT NULL,
    id TEXT NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    epoch TEXT NOT NULL,
    offset INTEGER NOT NULL,
    PRIMARY KEY (scope, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX dedupe_expiry ON dedupe (expires_at_ms);

  CREATE TABLE device (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE channel ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE channel ADD COLUMN version_epoch TEXT NOT NULL DEFAULT '';
  ALTER TABLE channel ADD COLUMN expires_at_ms INTEGER;
  CREATE INDEX channel_expiry ON channel (expires_at_ms);

  CREATE TABLE generation (
    bucket INTEGER PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT;
  `,
];

/** Brings a database to this build's schema, or throws what stands in the way. */
export function migrate(database: DatabaseSync): void {
  // The version is read under the write lock: a second process may be migrating the same file.
  database.prepare("BEGIN IMMEDIATE").run();
  try {
    const from = readVersion(database);
    for (const sql of STEPS.slice(from)) database.exec(sql);
    if (from < STEPS.length) database.exec(`PRAGMA user_version = ${STEPS.length}`);
    database.prepare("COMMIT").run();
  } catch (error) {
    if (database.isTransaction) database.prepare("ROLLBACK").run();
    throw error;
  }
}

function readVersion(database: DatabaseSync): number {
  const version = readNumber(database, "SELECT user_version AS value FROM pragma_user_version");
  const owner = readNumber(database, "SELECT application_id AS value FROM pragma_application_id");
  const tables = readNumber(database, "SELECT count(*) AS value FROM sqlite_schema");
  const isNew = version === 0 && owner === 0 && tables === 0;
  if (!isNew && owner !== APPLICATION_ID) throw new Error("it belongs to another program");
  if (version > STEPS.length) {
    throw new Error(`its schema is ${version}, this build knows ${STEPS.length}`);
  }
  return version;
}

function readNumber(database: DatabaseSync, sql: string): number {
  return Number(database.prepare(sql).get()?.["value"]);
}
