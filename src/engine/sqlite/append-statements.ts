import type { DatabaseSync } from "node:sqlite";
import { prepareFirstEpoch } from "./epoch.ts";
import { expiryAfter } from "./stream-life.ts";

export interface AppendInput {
  readonly channel: string;
  readonly timeMs: number;
  readonly data: string;
  readonly tags: string | null;
  readonly info: string | null;
  /** Null keeps the dedupe id only. */
  readonly retention: KeepInput | null;
  readonly dedupe: { readonly scope: string; readonly id: string; readonly ttlMs: number } | null;
  /** Null without `retention`. `epoch` "" is whichever was last. */
  readonly version: { readonly version: number; readonly epoch: string } | null;
}

interface KeepInput {
  readonly sizeMax: number;
  readonly ttlMs: number;
  readonly metaTtlMs?: number;
}

interface Place {
  readonly epoch: string;
  readonly offset: number;
}

export interface AppendOutput extends Place {
  /** Why nothing was stored; absent when it was, which spares the usual answer its bytes. */
  readonly refused?: "duplicate" | "suppressed";
}

/** Stores one publication, unless its dedupe id is known or its version is not news. */
export function prepareAppend(database: DatabaseSync) {
  const seen = prepareDedupe(database);
  const versions = prepareVersions(database);
  const store = preparePublication(database);
  return (input: AppendInput, nowMs: number): AppendOutput => {
    const { channel, retention, dedupe, version } = input;
    const first = dedupe && seen.find(dedupe, nowMs);
    if (first) return { ...first, refused: "duplicate" };
    const newest = version && versions.notBefore(channel, version);
    if (newest) return { ...newest, refused: "suppressed" };
    const place = retention ? store(input, retention, nowMs) : { epoch: "", offset: 0 };
    if (version) versions.remember(channel, version);
    if (dedupe) seen.remember(dedupe, place, nowMs);
    return place;
  };
}

type Dedupe = NonNullable<AppendInput["dedupe"]>;

function prepareDedupe(database: DatabaseSync) {
  const select = database.prepare(
    "SELECT epoch, offset FROM dedupe WHERE scope = ? AND id = ? AND expires_at_ms > ?",
  );
  const insert = database.prepare("INSERT OR REPLACE INTO dedupe VALUES (?, ?, ?, ?, ?)");
  return {
    find(key: Dedupe, nowMs: number): Place | undefined {
      const row = select.get(key.scope, key.id, nowMs);
      return row && { epoch: String(row["epoch"]), offset: Number(row["offset"]) };
    },
    remember(key: Dedupe, place: Place, nowMs: number): void {
      insert.run(key.scope, key.id, nowMs + key.ttlMs, place.epoch, place.offset);
    },
  };
}

type Version = NonNullable<AppendInput["version"]>;

function prepareVersions(database: DatabaseSync) {
  const select = database.prepare(
    `SELECT epoch, top_offset AS offset FROM channel
     WHERE name = ?1 AND version >= ?2 AND (?3 = '' OR version_epoch = ?3)`,
  );
  const set = database.prepare("UPDATE channel SET version = ?, version_epoch = ? WHERE name = ?");
  return {
    /** The channel's top, when it has seen this version or a newer one. */
    notBefore(channel: string, { version, epoch }: Version): Place | undefined {
      const row = select.get(channel, version, epoch);
      return row && { epoch: String(row["epoch"]), offset: Number(row["offset"]) };
    },
    remember(channel: string, { version, epoch }: Version): void {
      set.run(version, epoch, channel);
    },
  };
}

function preparePublication(database: DatabaseSync) {
  const firstEpoch = prepareFirstEpoch(database);
  const advance = database.prepare(
    `UPDATE channel SET top_offset = top_offset + 1 WHERE name = ?
     RETURNING id, epoch, top_offset AS offset, expires_at_ms`,
  );
  const create = database.prepare(
    `INSERT INTO channel (name, epoch, top_offset) VALUES (?, ?, 1)
     RETURNING id, epoch, top_offset AS offset, expires_at_ms`,
  );
  const insert = database.prepare("INSERT INTO publication VALUES (?, ?, ?, ?, ?, ?, ?)");
  const expire = database.prepare("UPDATE channel SET expires_at_ms = ? WHERE id = ?");
  const trim = database.prepare("DELETE FROM publication WHERE channel_id = ? AND offset <= ?");
  return (input: AppendInput, retention: KeepInput, nowMs: number): Place => {
    const { channel, timeMs, data, tags, info } = input;
    const row = advance.get(channel) ?? create.get(channel, firstEpoch(channel));
    const id = Number(row?.["id"]);
    const offset = Number(row?.["offset"]);
    insert.run(id, offset, timeMs, timeMs + retention.ttlMs, data, tags, info);
    if (offset > retention.sizeMax) trim.run(id, offset - retention.sizeMax);
    const expiry = expiryAfter(row?.["expires_at_ms"], retention.metaTtlMs, nowMs);
    if (expiry !== undefined) expire.run(expiry, id);
    return { epoch: String(row?.["epoch"]), offset };
  };
}
