import { closeSync, lstatSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { SQLITE_BUSY, toFailure } from "./failure.ts";
import { explainedOpen, explainOpen } from "./open-failure.ts";
import { giveToOwner, makePrivateDirectory } from "./owners.ts";

/**
 * Keeps other servers off a store for as long as this one has it: each would deliver only what it
 * stored itself. Commands that only read or write records may still open the store beside it.
 *
 * The lock is SQLite's own, on an empty file next to the store, so the system ends it with the
 * process however that ends. Throws when another server holds it.
 */
export function lockForServing(file: string): Disposable {
  makePrivateDirectory(dirname(file));
  const path = servingLockOf(file);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isSymbolicLink()) {
    throw new Error(`Cannot lock ${path}: it is a link, wanted a file of its own; remove it`);
  }
  if (found === undefined) explainOpen(path, () => makeLockFile(path));
  const lock = explainOpen(path, () => new DatabaseSync(path));
  try {
    // Written, though never committed: of a file that it may only read, SQLite takes no lock and says nothing.
    lock.exec(
      "PRAGMA busy_timeout = 0; PRAGMA journal_mode = memory; BEGIN EXCLUSIVE; PRAGMA user_version = 1",
    );
  } catch (cause) {
    lock.close();
    if (toFailure(cause).sqliteCode !== SQLITE_BUSY) throw explainedOpen(path, cause);
    throw new Error(
      `Cannot serve ${file}: another server serves it already. End that one, or give this one another directory (server.data)`,
      { cause },
    );
  }
  return { [Symbol.dispose]: () => lock.close() };
}

/** Whoever owns the directory is to lock it too, when it was root who came first. */
function makeLockFile(path: string): void {
  closeSync(openSync(path, "a", 0o600));
  giveToOwner(path);
}

/** The file that is locked. */
export function servingLockOf(file: string): string {
  return `${file}.serving`;
}
