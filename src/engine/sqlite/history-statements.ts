import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { prepareFirstEpoch } from "./epoch.ts";

export interface HistoryInput {
  readonly channel: string;
  readonly sinceOffset: number | null;
  readonly limit: number;
  readonly reverse: boolean;
  readonly ttlMs: number;
}

export interface StoredPublication {
  readonly offset: number;
  readonly timeMs: number;
  readonly data: string;
  readonly tags: string | null;
  readonly info: string | null;
}

export interface HistoryOutput {
  readonly epoch: string;
  readonly offset: number;
  readonly publications: readonly StoredPublication[];
}

const COLUMNS = "offset, time_ms, data, tags, info";
/** What the sweep has not deleted yet is gone all the same. */
const FRESH = "expires_at_ms > ? AND time_ms > ?";

/** Reads a channel's position and some of its publications. */
export function prepareHistory(database: DatabaseSync) {
  const firstEpoch = prepareFirstEpoch(database);
  const find = database.prepare("SELECT id, epoch, top_offset FROM channel WHERE name = ?");
  const forward = database.prepare(
    `SELECT ${COLUMNS} FROM publication WHERE channel_id = ? AND offset > ? AND ${FRESH}
     ORDER BY offset LIMIT ?`,
  );
  const backward = database.prepare(
    `SELECT ${COLUMNS} FROM publication WHERE channel_id = ? AND offset < ? AND ${FRESH}
     ORDER BY offset DESC LIMIT ?`,
  );
  return (input: HistoryInput, nowMs: number): HistoryOutput => {
    const row = find.get(input.channel);
    if (!row) return { epoch: firstEpoch(input.channel), offset: 0, publications: [] };
    const top = { epoch: String(row["epoch"]), offset: Number(row["top_offset"]) };
    if (input.limit === 0) return { ...top, publications: [] };
    const since = input.sinceOffset ?? (input.reverse ? Number.MAX_SAFE_INTEGER : 0);
    const rows = (input.reverse ? backward : forward).all(
      Number(row["id"]),
      since,
      nowMs,
      nowMs - input.ttlMs,
      input.limit,
    );
    return { ...top, publications: rows.map(toStored) };
  };
}

function toStored(row: Record<string, SQLOutputValue>): StoredPublication {
  return {
    offset: Number(row["offset"]),
    timeMs: Number(row["time_ms"]),
    data: String(row["data"]),
    tags: textOrNull(row["tags"]),
    info: textOrNull(row["info"]),
  };
}

function textOrNull(value: SQLOutputValue | undefined): string | null {
  return value == null ? null : String(value);
}
