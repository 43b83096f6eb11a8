import { type BigIntStats, statSync } from "node:fs";
import { FILE_REPLACED } from "./failure.ts";

/** Another file has the name of the store, or none has: what is written now, nobody would find again. */
class FileReplacedError extends Error {
  readonly errcode = FILE_REPLACED;
}

/**
 * Remembers which file was just opened. What it returns throws once the name is another file's: the
 * system would go on writing to the one that was opened, which ends with this process.
 */
export function rememberFile(file: string): () => void {
  const opened = lookAt(file);
  return () => {
    const found = lookAt(file);
    // What cannot be seen any more may still be there.
    if (found === "unseen" || opened === "unseen") return;
    if (isSame(found, opened)) return;
    const what = found === undefined ? "was moved away" : "was replaced by another one";
    throw new FileReplacedError(
      `Cannot store: ${file} ${what} while it was served; put it back, or restart this server with what is there`,
    );
  };
}

/** Whether two names lead to one file. */
export function isSameFile(one: string, other: string): boolean {
  return isSame(lookAt(one), lookAt(other));
}

/** Undefined: there is nothing. */
type Look = BigIntStats | "unseen" | undefined;

function isSame(one: Look, other: Look): boolean {
  if (typeof one !== "object" || typeof other !== "object") return false;
  return one.ino === other.ino && one.dev === other.dev;
}

function lookAt(file: string): Look {
  try {
    // Some file systems have numbers that only these hold exactly.
    return statSync(file, { bigint: true });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return code === "ENOENT" || code === "ENOTDIR" ? undefined : "unseen";
  }
}
