import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { SQLITE_BUSY, toFailure } from "./failure.ts";
import { servingLockOf } from "./serving-lock.ts";

const BUSY_TIMEOUT_MS = 5_000;

/** How a store looks from outside. */
export interface StoreExamined {
  readonly sizeBytes: number;
  /** Whether a server has it in use, as far as its lock tells. */
  readonly isServed: boolean;
  /** Absent: sound, or too large to be read through. */
  readonly damage?: string;
  readonly isRead: boolean;
}

/** Looks at a store without changing it, also beside a server; undefined when there is none yet. */
export function examineStore(file: string, readMaxBytes: number): StoreExamined | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const isRead = found.size <= readMaxBytes;
  const damage = isRead ? damageIn(file) : undefined;
  return {
    sizeBytes: found.size,
    isServed: isLocked(servingLockOf(file)),
    isRead,
    ...(damage !== undefined && { damage }),
  };
}

/** Whoever serves has the lock's file to himself, so that nobody else can even read it. */
function isLocked(file: string): boolean {
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return false;
  const lock = new DatabaseSync(file, { readOnly: true, timeout: 0 });
  try {
    lock.prepare("SELECT count(*) FROM sqlite_master").get();
    return false;
  } catch (error) {
    return toFailure(error).sqliteCode === SQLITE_BUSY;
  } finally {
    lock.close();
  }
}

function damageIn(file: string): string | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
    const verdict = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
    return verdict === "ok" ? undefined : String(verdict);
  } catch (error) {
    return toFailure(error).message;
  } finally {
    database?.close();
  }
}
