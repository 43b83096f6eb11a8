import { closeSync, openSync, readdirSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { giveToOwner, makePrivateDirectory } from "./owners.ts";

/** A store that was not there before it was opened. */
export interface StoreMade {
  readonly file: string;
  /** What lies beside it under its name: signs that there was a store. */
  readonly leftovers: readonly string[];
}

/**
 * Creates the file before SQLite would, which lets everybody read it. Tells when there was none, for
 * whoever has lost his store must hear of it.
 */
export function createPrivateFile(file: string): StoreMade | undefined {
  const directory = dirname(file);
  makePrivateDirectory(directory);
  refuseLogAlone(file);
  const made = sizeOf(file) > 0 ? undefined : { file, leftovers: leftoversOf(file, directory) };
  closeSync(openSync(file, "a", 0o600));
  if (made !== undefined) giveToOwner(file);
  return made;
}

/**
 * Throws when there is a write-ahead log and no database that it belongs to. SQLite would delete the
 * log, and all that it holds, for the sake of the empty database it makes.
 */
export function refuseLogAlone(file: string): void {
  // The log first: who makes a store beside us has filled the database before there is a log.
  if (sizeOf(`${file}-wal`) === 0 || sizeOf(file) > 0) return;
  throw new Error(`it is missing or empty, but its log is there: ${file}-wal`);
}

function leftoversOf(file: string, directory: string): string[] {
  const name = `${basename(file)}-`;
  return readdirSync(directory).filter((found) => found.startsWith(name));
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
