import { Fault, type FaultCode } from "../../core/faults.ts";

/** An error on its way between threads, where classes and codes would get lost. */
export interface Failure {
  readonly message: string;
  /** SQLite's primary result code (https://sqlite.org/rescode.html). */
  readonly sqliteCode?: number;
  /** Of a refusal that the caller is to hear. */
  readonly fault?: { readonly code: FaultCode; readonly detail: string | undefined };
}

/** Another connection holds the lock. */
export const SQLITE_BUSY = 5;
export const SQLITE_FULL = 13;
export const SQLITE_IOERR = 10;
/** No code of SQLite's, which has none like it. */
export const FILE_REPLACED = 255;

/** Result codes that concern the whole store, with what to tell the caller. */
const STORE_TROUBLES: Readonly<Record<number, string>> = {
  [SQLITE_BUSY]: "the database is locked by another process",
  6: "the database is locked by another process",
  7: "the machine is out of memory",
  8: "the database cannot be written",
  [SQLITE_IOERR]: "the disk failed",
  11: "the database is damaged",
  [SQLITE_FULL]: "the disk is full",
  14: "the database cannot be opened",
  26: "the database is damaged",
  [FILE_REPLACED]: "the file of the store was replaced or moved away",
};

/** SQLite's own words for these codes. */
const TEXTS: readonly (readonly [text: string, code: number])[] = [
  ["database is locked", SQLITE_BUSY],
  ["attempt to write a readonly database", 8],
  ["disk I/O error", 10],
  ["database disk image is malformed", 11],
  ["database or disk is full", SQLITE_FULL],
  ["unable to open database file", 14],
  ["file is not a database", 26],
];

/** Makes an error ready for the wire. */
export function toFailure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Fault) return { message, fault: { code: error.code, detail: error.detail } };
  const code = error instanceof Error && "errcode" in error ? error.errcode : codeIn(message);
  // The low byte of an extended code is the primary one; the rest says where it happened.
  return typeof code === "number" ? { message, sqliteCode: code & 0xff } : { message };
}

/** Deno tells the code of what a statement ran into, and of what opening a file or `exec` did only the text. */
function codeIn(message: string): number | undefined {
  return TEXTS.find(([text]) => message.startsWith(text))?.[1];
}

/** What is wrong with the whole store, or `undefined` when only the call itself was. */
export function storeTrouble(failure: Failure): string | undefined {
  return failure.sqliteCode === undefined ? undefined : STORE_TROUBLES[failure.sqliteCode];
}

/** Makes a failure throwable again: a fault as it was, trouble of the store as one, else a bug of ours. */
export function toError(failure: Failure): Error {
  if (failure.fault) return toFault(failure.fault);
  const error = new Error(failure.message);
  const detail = storeTrouble(failure);
  if (detail === undefined) return error;
  const code = failure.sqliteCode === SQLITE_FULL ? "store_full" : "store_failed";
  return new Fault(code, { detail, cause: error });
}

function toFault({ code, detail }: NonNullable<Failure["fault"]>): Fault {
  return detail === undefined ? new Fault(code) : new Fault(code, { detail });
}
