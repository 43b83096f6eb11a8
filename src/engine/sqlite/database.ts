import { chmodSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { SQLITE_BUSY, toFailure } from "./failure.ts";
import { beginNewLife } from "./new-life.ts";
import { createPrivateFile, type StoreMade } from "./private-file.ts";
import { migrate } from "./schema.ts";
import type { OpenRequest } from "./wire.ts";

/** How long a write waits for another process's, such as `posthorn device add` beside `serve`. */
const BUSY_TIMEOUT_MS = 5_000;
const BUSY_RETRY_MS = 10;
const CACHE_KIB = 16 * 1024;
/** The write-ahead log is cut back to this after a burst. */
const LOG_MAX_BYTES = 64 * 1024 * 1024;
/** Up to this size a start reads the whole file to find damage; above, it would delay the start. */
const CHECKED_MAX_BYTES = 32 * 1024 * 1024;

/** Opens a connection and hands it to `use`; closes it again when anything fails on the way. */
export function openDatabase<T>(
  request: OpenRequest,
  use: (database: DatabaseSync, made?: StoreMade) => T,
): T {
  const made = makeFile(request);
  const database = connect(request);
  try {
    if (request.type === "open-writing") prepareFile(database, request);
    return use(database, made);
  } catch (error) {
    database.close();
    throw error;
  }
}

function connect(request: OpenRequest): DatabaseSync {
  const timeout = BUSY_TIMEOUT_MS;
  if (request.type === "open-reading") {
    return new DatabaseSync(request.file, { readOnly: true, timeout });
  }
  if (request.location === "memory") return new DatabaseSync(":memory:");
  return new DatabaseSync(request.location.file, { timeout });
}

function makeFile(request: OpenRequest): StoreMade | undefined {
  if (request.type === "open-reading" || request.location === "memory") return undefined;
  return createPrivateFile(request.location.file);
}

function prepareFile(
  database: DatabaseSync,
  { location, sync, seed }: Extract<OpenRequest, { type: "open-writing" }>,
): void {
  database.exec(`PRAGMA foreign_keys = ON; PRAGMA cache_size = -${CACHE_KIB}`);
  if (location !== "memory") checkSmall(database);
  migrate(database);
  // Only now is it sure to be our file, and not one of another program to be left as it is.
  if (location !== "memory") {
    closeToOthers(location.file);
    writeAhead(database, sync);
  }
  database
    .prepare("INSERT OR IGNORE INTO store (id, seed, touched_at_ms) VALUES (1, ?, 0)")
    .run(seed);
  beginNewLife(database, seed);
}

function closeToOthers(file: string): void {
  for (const path of [file, `${file}-wal`, `${file}-shm`]) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found && (found.mode & 0o077) !== 0) chmodSync(path, 0o600);
  }
}

function checkSmall(database: DatabaseSync): void {
  const size = database
    .prepare("SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size")
    .get();
  if (Number(size?.["bytes"]) > CHECKED_MAX_BYTES) return;
  const verdict = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (verdict !== "ok") throw new Error(`it is damaged: ${String(verdict).replaceAll("\n", " ")}`);
}

function writeAhead(database: DatabaseSync, sync: "full" | "normal"): void {
  const mode = retried(() => database.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"]);
  if (mode !== "wal") throw new Error(`its file system allows journal mode ${mode}, wanted wal`);
  database.exec(`PRAGMA synchronous = ${sync}; PRAGMA journal_size_limit = ${LOG_MAX_BYTES}`);
}

/** SQLite does not wait by itself for the lock that a change of the journal mode needs. */
function retried<T>(change: () => T): T {
  for (let waitedMs = 0; ; waitedMs += BUSY_RETRY_MS) {
    try {
      return change();
    } catch (error) {
      const isBusy = toFailure(error).sqliteCode === SQLITE_BUSY;
      if (!isBusy || waitedMs >= BUSY_TIMEOUT_MS) throw error;
      // The worker's thread has nothing else to do yet.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_RETRY_MS);
    }
  }
}
