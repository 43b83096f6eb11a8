import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import { prepareFirstEpoch } from "./epoch.ts";

export interface HistoryInput {
  readonly channel: string;
  readonly sinceOffset: number | null;
  readonly limit: number;
  readonly reverse: boolean;
  readonly ttlMs: number;
  readonly maxBytes: number | null;
  /** Nothing rather than a part. */
  readonly whole: boolean;
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
  readonly isCut: boolean;
}

const COLUMNS = "offset, time_ms, data, tags, info";
/** Weighed where it lies: no string is made of a text that does not fit. */
const WEIGHT =
  "octet_length(data) + coalesce(octet_length(tags), 0) + coalesce(octet_length(info), 0) AS bytes";
/** What the sweep has not deleted yet is gone all the same. */
const FRESH = "expires_at_ms > ? AND time_ms > ?";

/** The same publications, and what they weigh. */
interface Scan {
  readonly rows: StatementSync;
  readonly weights: StatementSync;
}

/** Reads a channel's position and some of its publications. */
export function prepareHistory(database: DatabaseSync) {
  const firstEpoch = prepareFirstEpoch(database);
  const find = database.prepare("SELECT id, epoch, top_offset FROM channel WHERE name = ?");
  const forward = prepareScan(database, "offset > ?", "offset");
  const backward = prepareScan(database, "offset < ?", "offset DESC");
  return (input: HistoryInput, nowMs: number): HistoryOutput => {
    const row = find.get(input.channel);
    const nothing = { publications: [], isCut: false };
    if (!row) return { epoch: firstEpoch(input.channel), offset: 0, ...nothing };
    const top = { epoch: String(row["epoch"]), offset: Number(row["top_offset"]) };
    if (input.limit === 0) return { ...top, ...nothing };
    const since = input.sinceOffset ?? (input.reverse ? Number.MAX_SAFE_INTEGER : 0);
    const range = [Number(row["id"]), since, nowMs, nowMs - input.ttlMs];
    const scan = input.reverse ? backward : forward;
    const { limit, isCut } = limitWithin(scan.weights, range, input);
    return { ...top, publications: scan.rows.all(...range, limit).map(toStored), isCut };
  };
}

function prepareScan(database: DatabaseSync, range: string, order: string): Scan {
  const select = (columns: string): StatementSync =>
    database.prepare(
      `SELECT ${columns} FROM publication WHERE channel_id = ? AND ${range} AND ${FRESH}
       ORDER BY ${order} LIMIT ?`,
    );
  return { rows: select(COLUMNS), weights: select(WEIGHT) };
}

/** How many publications may be read, so that what does not fit is never read at all. */
function limitWithin(
  weights: StatementSync,
  range: readonly SQLInputValue[],
  { limit, maxBytes, whole }: HistoryInput,
): { readonly limit: number; readonly isCut: boolean } {
  if (maxBytes === null) return { limit, isCut: false };
  const firstAtLeast = whole ? 0 : 1;
  let bytes = 0;
  let fitting = 0;
  for (const row of weights.iterate(...range, limit)) {
    bytes += Number(row["bytes"]);
    if (bytes > maxBytes && fitting >= firstAtLeast) {
      return { limit: whole ? 0 : fitting, isCut: true };
    }
    fitting += 1;
  }
  return { limit: fitting, isCut: false };
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
