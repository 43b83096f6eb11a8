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
  `
  CREATE TABLE command (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    device TEXT NOT NULL,
    sender TEXT NOT NULL,
    key TEXT,
    priority INTEGER NOT NULL,
    status TEXT NOT NULL,
    due_at_ms INTEGER,
    finished_at_ms INTEGER,
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX command_listing ON command (device, seq);
  CREATE INDEX command_open ON command (device, status, priority DESC, seq)
    WHERE due_at_ms IS NOT NULL;
  CREATE INDEX command_due ON command (due_at_ms, seq) WHERE due_at_ms IS NOT NULL;
  CREATE INDEX command_leased ON command (due_at_ms) WHERE status = 'leased';
  CREATE INDEX command_acked ON command (due_at_ms) WHERE status = 'acked';
  CREATE INDEX command_end ON command (finished_at_ms) WHERE finished_at_ms IS NOT NULL;
  CREATE UNIQUE INDEX command_key ON command (device, sender, key) WHERE key IS NOT NULL;

  ALTER TABLE dedupe ADD COLUMN fingerprint TEXT;

  ALTER TABLE device ADD COLUMN meta TEXT NOT NULL DEFAULT '{}';
  ALTER TABLE device ADD COLUMN enrollment TEXT NOT NULL DEFAULT 'closed';
  ALTER TABLE device ADD COLUMN seen_at_ms INTEGER;
  ALTER TABLE device ADD COLUMN address TEXT;
  ALTER TABLE device ADD COLUMN app_version TEXT;
  ALTER TABLE device ADD COLUMN online INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE device ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE device ADD COLUMN presence_at_ms INTEGER;
  ALTER TABLE device ADD COLUMN push_provider TEXT;
  ALTER TABLE device ADD COLUMN push_token TEXT;
  CREATE INDEX device_online ON device (id) WHERE online = 1;

  CREATE TABLE device_count (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    devices INTEGER NOT NULL
  ) STRICT;
  INSERT INTO device_count SELECT 1, count(*) FROM device;
  CREATE TRIGGER device_added AFTER INSERT ON device BEGIN
    UPDATE device_count SET devices = devices + 1;
  END;
  CREATE TRIGGER device_removed AFTER DELETE ON device BEGIN
    UPDATE device_count SET devices = devices - 1;
  END;

  CREATE TABLE former_device (
    bucket INTEGER PRIMARY KEY,
    generation INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE binding (
    user TEXT NOT NULL,
    device TEXT NOT NULL,
    commands TEXT NOT NULL,
    PRIMARY KEY (user, device)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX binding_device ON binding (device, user);

  CREATE TABLE device_state (
    device TEXT PRIMARY KEY,
    reported TEXT NOT NULL,
    reported_version INTEGER NOT NULL,
    reported_at_ms INTEGER,
    desired TEXT NOT NULL,
    desired_version INTEGER NOT NULL,
    desired_at_ms INTEGER
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY,
    endpoint TEXT NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    order_key TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    due_at_ms INTEGER NOT NULL,
    held INTEGER NOT NULL,
    died_at_ms INTEGER,
    why TEXT,
    forget_at_ms INTEGER NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (endpoint, id)
  ) STRICT;
  CREATE INDEX outbox_due ON outbox (endpoint, due_at_ms, seq)
    WHERE died_at_ms IS NULL AND held = 0;
  CREATE INDEX outbox_fresh ON outbox (endpoint, due_at_ms, seq)
    WHERE died_at_ms IS NULL AND held = 0 AND failures = 0;
  CREATE INDEX outbox_order ON outbox (endpoint, order_key, seq) WHERE died_at_ms IS NULL;
  CREATE INDEX outbox_dead ON outbox (endpoint, died_at_ms, id) WHERE died_at_ms IS NOT NULL;
  CREATE INDEX outbox_end ON outbox (forget_at_ms);

  CREATE TABLE outbox_count (
    endpoint TEXT PRIMARY KEY,
    waiting INTEGER NOT NULL,
    waiting_bytes INTEGER NOT NULL,
    dead INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TRIGGER outbox_added AFTER INSERT ON outbox BEGIN
    INSERT INTO outbox_count VALUES (NEW.endpoint, NEW.died_at_ms IS NULL,
      (NEW.died_at_ms IS NULL) * octet_length(NEW.body), NEW.died_at_ms IS NOT NULL)
    ON CONFLICT (endpoint) DO UPDATE SET waiting = waiting + excluded.waiting,
      waiting_bytes = waiting_bytes + excluded.waiting_bytes, dead = dead + excluded.dead;
  END;
  CREATE TRIGGER outbox_died AFTER UPDATE OF died_at_ms ON outbox
  WHEN OLD.died_at_ms IS NULL AND NEW.died_at_ms IS NOT NULL BEGIN
    UPDATE outbox_count SET waiting = waiting - 1,
      waiting_bytes = waiting_bytes - octet_length(OLD.body), dead = dead + 1
    WHERE endpoint = NEW.endpoint;
  END;
  CREATE TRIGGER outbox_revived AFTER UPDATE OF died_at_ms ON outbox
  WHEN OLD.died_at_ms IS NOT NULL AND NEW.died_at_ms IS NULL BEGIN
    UPDATE outbox_count SET waiting = waiting + 1,
      waiting_bytes = waiting_bytes + octet_length(NEW.body), dead = dead - 1
    WHERE endpoint = NEW.endpoint;
  END;
  CREATE TRIGGER outbox_removed AFTER DELETE ON outbox BEGIN
    UPDATE outbox_count SET waiting = waiting - (OLD.died_at_ms IS NULL),
      waiting_bytes = waiting_bytes - (OLD.died_at_ms IS NULL) * octet_length(OLD.body),
      dead = dead - (OLD.died_at_ms IS NOT NULL) WHERE endpoint = OLD.endpoint;
  END;
  `,
  `
  CREATE TABLE command_count (
    status TEXT PRIMARY KEY,
    commands INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  INSERT INTO command_count SELECT status, count(*) FROM command GROUP BY status;
  CREATE TRIGGER command_added AFTER INSERT ON command BEGIN
    INSERT INTO command_count VALUES (NEW.status, 1)
    ON CONFLICT (status) DO UPDATE SET commands = commands + 1;
  END;
  CREATE TRIGGER command_moved AFTER UPDATE OF status ON command
  WHEN OLD.status <> NEW.status BEGIN
    UPDATE command_count SET commands = commands - 1 WHERE status = OLD.status;
    INSERT INTO command_count VALUES (NEW.status, 1)
    ON CONFLICT (status) DO UPDATE SET commands = commands + 1;
  END;
  CREATE TRIGGER command_removed AFTER DELETE ON command BEGIN
    UPDATE command_count SET commands = commands - 1 WHERE status = OLD.status;
  END;
  CREATE INDEX command_queued ON command (seq) WHERE status = 'queued';

  ALTER TABLE outbox ADD COLUMN traceparent TEXT;
  ALTER TABLE outbox ADD COLUMN tracestate TEXT;
  CREATE INDEX outbox_oldest ON outbox (endpoint, seq) WHERE died_at_ms IS NULL;
  `,
  `
  ALTER TABLE store ADD COLUMN copied_at_ms INTEGER;
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

/** Whether this build has nothing to change. Throws when it must not. */
export function isCurrent(database: DatabaseSync): boolean {
  return readVersion(database) === STEPS.length;
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
