import { SQLITE_BUSY, toFailure } from "./failure.ts";

/** Runs `open`; what goes wrong is thrown with the file's name and what the operator can do. */
export function explainOpen<T>(file: string, open: () => T, role: Role = "store"): T {
  try {
    return open();
  } catch (cause) {
    throw explainedOpen(file, cause, role);
  }
}

/** The same error with the file's name and what the operator can do. */
export function explainedOpen(file: string, cause: unknown, role: Role = "store"): Error {
  const { message, sqliteCode } = toFailure(cause);
  const found = remedyFor(message, sqliteCode);
  const remedy = found === RESTORE && role === "backup" ? TAKE_ANOTHER : found;
  return new Error(`Cannot open database ${JSON.stringify(file)}: ${message} (${remedy})`, {
    cause,
  });
}

function remedyFor(message: string, sqliteCode = 0): string {
  if (message.startsWith("its schema is")) return "start the newer Posthorn that wrote it";
  if (message.startsWith("it belongs to")) return "choose another file";
  if (message.startsWith("it is no file")) return "choose another file";
  if (/^it is (damaged|empty)/.test(message)) return RESTORE;
  if (message.startsWith("it is missing or empty")) return REUNITE;
  // Of the file system, before SQLite came to it.
  if (/^E(ACCES|PERM|ROFS)\b/.test(message)) return WRITABLE;
  return REMEDIES[sqliteCode] ?? "check the path and that this user may read and write it";
}

/** What a file is to whoever opens it. */
export type Role = "store" | "backup";

const TAKE_ANOTHER = "take another backup";
const RESTORE = "restore it from a backup, or move it away to start empty";

const REUNITE =
  "put the database back that belongs to it, or move the log away to go on without what it holds";

const WRITABLE =
  "check the path, that this user may read and write it, and that its disk is not read-only";

const REMEDIES: Readonly<Record<number, string>> = {
  [SQLITE_BUSY]: "end the other process that holds it",
  8: WRITABLE,
  10: "check the disk",
  11: RESTORE,
  13: "free some space on its disk",
  14: WRITABLE,
  26: RESTORE,
};
