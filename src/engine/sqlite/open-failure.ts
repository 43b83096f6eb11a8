import { SQLITE_BUSY, toFailure } from "./failure.ts";

/** Runs `open`; what goes wrong is thrown with the file's name and what the operator can do. */
export function explainOpen<T>(file: string, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    const { message, sqliteCode } = toFailure(cause);
    const remedy = remedyFor(message, sqliteCode);
    throw new Error(`Cannot open database ${JSON.stringify(file)}: ${message} (${remedy})`, {
      cause,
    });
  }
}

function remedyFor(message: string, sqliteCode = 0): string {
  if (message.startsWith("its schema is")) return "start the newer Posthorn that wrote it";
  if (message.startsWith("it belongs to")) return "choose another file";
  if (message.startsWith("it is damaged")) return RESTORE;
  return REMEDIES[sqliteCode] ?? "check the path and that this user may read and write it";
}

const RESTORE = "restore it from a backup, or move it away to start empty";

const REMEDIES: Readonly<Record<number, string>> = {
  [SQLITE_BUSY]: "end the other process that holds it",
  10: "check the disk",
  11: RESTORE,
  13: "free some space on its disk",
  26: RESTORE,
};
