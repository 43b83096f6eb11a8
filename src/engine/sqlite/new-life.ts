import type { DatabaseSync } from "node:sqlite";
import { prepareFirstEpoch } from "./epoch.ts";

/** More than anything can have been counted between a copy and the day it is used. */
const COUNTED_PAST = 1_000_000_000;
const CHANNELS_PER_ROUND = 1_000;

/** Says of a store that it is a copy: whoever opens it to write begins a new life with it. */
export function markAsCopy(database: DatabaseSync, nowMs: number): void {
  database.prepare("UPDATE store SET copied_at_ms = ? WHERE id = 1").run(nowMs);
}

/**
 * Lets a copy of a store go on as a store of its own; does nothing to one that is no copy.
 *
 * The original went on after the copy was made, so there are clients and backends that know of places
 * the copy has not reached. Were it to count on from where it is, those places would be taken by other
 * publications, and who comes back with one would miss, without a word, what differs. So every channel
 * gets a new epoch, which tells its clients that they cannot recover, and every number that others
 * compare goes past whatever the original can have given out.
 */
export function beginNewLife(database: DatabaseSync, seed: string): void {
  if (!isCopy(database)) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have been faster.
    if (isCopy(database)) renew(database, seed);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function isCopy(database: DatabaseSync): boolean {
  const copied = database.prepare("SELECT copied_at_ms FROM store WHERE id = 1").get();
  return copied?.["copied_at_ms"] != null;
}

function renew(database: DatabaseSync, seed: string): void {
  database.prepare("UPDATE store SET seed = ?, copied_at_ms = NULL WHERE id = 1").run(seed);
  renewEpochs(database);
  database.exec(`
    UPDATE device SET generation = generation + ${COUNTED_PAST} WHERE generation > 0;
    UPDATE former_device SET generation = generation + ${COUNTED_PAST};
    UPDATE device_state SET
      reported_version = reported_version + CASE reported_version WHEN 0 THEN 0 ELSE ${COUNTED_PAST} END,
      desired_version = desired_version + CASE desired_version WHEN 0 THEN 0 ELSE ${COUNTED_PAST} END;
  `);
}

/** What the store remembers of ids it has seen names places too, and must name those there are now. */
function renewEpochs(database: DatabaseSync): void {
  // A table of the connection's own, gone with it.
  database.exec("CREATE TEMP TABLE renewed (was TEXT PRIMARY KEY, epoch TEXT NOT NULL) STRICT");
  const firstEpoch = prepareFirstEpoch(database);
  const round = database.prepare(
    `SELECT id, name, epoch FROM channel WHERE id > ? ORDER BY id LIMIT ${CHANNELS_PER_ROUND}`,
  );
  const remember = database.prepare("INSERT OR IGNORE INTO renewed VALUES (?, ?)");
  const change = database.prepare("UPDATE channel SET epoch = ? WHERE id = ?");
  for (let rows = round.all(0); rows.length > 0; rows = round.all(Number(rows.at(-1)?.["id"]))) {
    for (const { id, name, epoch } of rows) {
      const next = firstEpoch(String(name));
      remember.run(String(epoch), next);
      change.run(next, Number(id));
    }
  }
  database.exec(`
    UPDATE dedupe SET epoch = (SELECT epoch FROM renewed WHERE was = dedupe.epoch)
      WHERE epoch IN (SELECT was FROM renewed);
    DROP TABLE renewed;
  `);
}
