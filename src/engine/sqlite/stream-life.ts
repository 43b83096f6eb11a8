import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { prepareNextLife } from "./epoch.ts";

/** By how much of its time a stream may outlive it, so that few appends have to write the expiry. */
const EXPIRY_SLACK = 0.01;

/**
 * When a stream may be forgotten after an append, null being never; undefined when what is known
 * (the row's `expires_at_ms`) still says it well enough.
 */
export function expiryAfter(
  known: SQLOutputValue | undefined,
  metaTtlMs: number | undefined,
  nowMs: number,
): number | null | undefined {
  if (metaTtlMs === undefined) return known === null ? undefined : null;
  const latestMs = nowMs + Math.ceil(metaTtlMs * (1 + EXPIRY_SLACK));
  const isRight = known !== null && Number(known) >= nowMs + metaTtlMs && Number(known) <= latestMs;
  return isRight ? undefined : latestMs;
}

/** Starts the name of a row that only waits for its end; no channel's name has a space. */
const RETIRED = "removed ";

/**
 * Drops a channel's publications and nothing else.
 *
 * The row they belong to is left to the sweep and a new one goes on in its place: to delete a
 * million publications at once would hold up every append for seconds.
 */
export function prepareRemoveHistory(database: DatabaseSync) {
  const retire = database.prepare(
    `UPDATE channel SET name = '${RETIRED}' || id WHERE name = ?
     AND EXISTS (SELECT 1 FROM publication WHERE channel_id = channel.id) RETURNING id`,
  );
  const goOn = database.prepare(
    `INSERT INTO channel (name, epoch, top_offset, version, version_epoch, expires_at_ms)
     SELECT ?1, epoch, top_offset, version, version_epoch, expires_at_ms FROM channel WHERE id = ?2`,
  );
  const end = database.prepare("UPDATE channel SET expires_at_ms = 0 WHERE id = ?");
  return (channel: string): void => {
    const retired = retire.get(channel);
    if (!retired) return;
    goOn.run(channel, Number(retired["id"]));
    end.run(Number(retired["id"]));
  };
}

/** How much one sweep forgets; the rows are publications. */
export interface ForgetLimits {
  readonly streamsMax: number;
  readonly rowsMax: number;
}

/**
 * Forgets streams whose time is over; true when that may not have been all.
 *
 * A stream with many publications takes several rounds, oldest first: in between it looks as if it
 * had been trimmed, and an append gives it its life back.
 */
export function prepareForgetStreams(
  database: DatabaseSync,
  { streamsMax, rowsMax }: ForgetLimits,
) {
  const startNextLife = prepareNextLife(database);
  const expired = database.prepare(
    `SELECT id, name FROM channel WHERE expires_at_ms <= ?
     ORDER BY expires_at_ms LIMIT ${streamsMax}`,
  );
  const clear = database.prepare(
    `DELETE FROM publication WHERE channel_id = ?1 AND offset IN (
       SELECT offset FROM publication WHERE channel_id = ?1 ORDER BY offset LIMIT ?2)`,
  );
  const remove = database.prepare("DELETE FROM channel WHERE id = ?");
  return (nowMs: number): boolean => {
    const rows = expired.all(nowMs);
    let left = rowsMax;
    for (const { id, name } of rows) {
      left -= Number(clear.run(Number(id), left).changes);
      if (left <= 0) return true;
      remove.run(Number(id));
      if (!String(name).startsWith(RETIRED)) startNextLife(String(name));
    }
    return rows.length === streamsMax;
  };
}
