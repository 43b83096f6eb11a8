import type { DatabaseSync } from "node:sqlite";
import type { OutboxEntry } from "../../core/ports/outbox.ts";
import { prepareFirstEpoch } from "./epoch.ts";
import { prepareAddToOutbox } from "./outbox-statements.ts";
import { expiryAfter } from "./stream-life.ts";

export interface AppendInput {
  readonly channel: string;
  readonly timeMs: number;
  readonly data: string;
  readonly tags: string | null;
  readonly info: string | null;
  /** Null keeps the dedupe id only. */
  readonly retention: KeepInput | null;
  readonly dedupe: DedupeInput | null;
  /** Null without `retention`. `epoch` "" is whichever was last. */
  readonly version: { readonly version: number; readonly epoch: string } | null;
  /** Added when the publication is not refused. */
  readonly outbox: readonly OutboxEntry[];
}

interface DedupeInput {
  readonly scope: string;
  readonly id: string;
  readonly ttlMs: number;
  /** Null is like any other. */
  readonly fingerprint: string | null;
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
  readonly refused?: "duplicate" | "mismatched" | "suppressed";
}

/** Stores one publication, unless its dedupe id is known or its version is not news. */
export function prepareAppend(database: DatabaseSync) {
  const seen = prepareDedupe(database);
  const versions = prepareVersions(database);
  const store = preparePublication(database);
  const addToOutbox = prepareAddToOutbox(database);

  const refuse = ({ channel, dedupe, version }: AppendInput, nowMs: number) => {
    const first = dedupe && seen.find(dedupe, nowMs);
    if (first) return first;
    const newest = version && versions.notBefore(channel, version);
    return newest && ({ ...newest, refused: "suppressed" } as const);
  };
  return (input: AppendInput, nowMs: number): AppendOutput => {
    const refusal = refuse(input, nowMs);
    if (refusal) return refusal;
    const { channel, retention, dedupe, version, outbox } = input;
    const place = retention ? store(input, retention, nowMs) : { epoch: "", offset: 0 };
    if (version) versions.remember(channel, version);
    if (dedupe) seen.remember(dedupe, place, nowMs);
    if (outbox.length > 0) addToOutbox(placed(outbox, place), nowMs);
    return place;
  };
}

/** No place has a colon in it, so what comes before may have any. What is not stored has no place. */
function placed(outbox: readonly OutboxEntry[], { epoch, offset }: Place): readonly OutboxEntry[] {
  if (offset === 0) return outbox;
  return outbox.map((entry) => ({ ...entry, id: `${entry.id}:${epoch}:${offset}` }));
}

function prepareDedupe(database: DatabaseSync) {
  const select = database.prepare(
    "SELECT epoch, offset, fingerprint FROM dedupe WHERE scope = ? AND id = ? AND expires_at_ms > ?",
  );
  const insert = database.prepare(
    `INSERT OR REPLACE INTO dedupe (scope, id, expires_at_ms, epoch, offset, fingerprint)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  return {
    /** The first one's place, and whether this is the same again. */
    find(key: DedupeInput, nowMs: number): AppendOutput | undefined {
      const row = select.get(key.scope, key.id, nowMs);
      if (!row) return undefined;
      const known = row["fingerprint"] ?? key.fingerprint;
      const isSame = key.fingerprint === null || key.fingerprint === known;
      return {
        epoch: String(row["epoch"]),
        offset: Number(row["offset"]),
        refused: isSame ? "duplicate" : "mismatched",
      };
    },
    remember(key: DedupeInput, { epoch, offset }: Place, nowMs: number): void {
      insert.run(key.scope, key.id, nowMs + key.ttlMs, epoch, offset, key.fingerprint);
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
