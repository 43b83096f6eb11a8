/** Version 1 of the store's schema, as it shipped. */
export const FIRST_SCHEMA = `
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
