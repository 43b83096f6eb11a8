import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";

/**
 * Keeps other servers off a store for as long as this one has it: each would deliver only what it
 * stored itself. Commands that only read or write records may still open the store beside it.
 *
 * The lock is SQLite's own, on an empty file next to the store, so the system ends it with the
 * process however that ends. Throws when another server holds it.
 */
export function lockForServing(file: string): Disposable {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const lock = new DatabaseSync(`${file}.serving`);
  try {
    lock.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = memory; BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    throw new Error(
      `Cannot serve ${file}: another server serves it already. End that one, or give this one another directory (server.data)`,
      { cause },
    );
  }
  return { [Symbol.dispose]: () => lock.close() };
}
