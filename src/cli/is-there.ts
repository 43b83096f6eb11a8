import { statSync } from "node:fs";
import { codeOf, explainIo } from "./io-errors.ts";

/** Whether a file is there. Throws in words where this user cannot know: it is not the same as none. */
export function isThere(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    const remedy = "run this as the user of the server, or as root";
    throw new Error(`Cannot look at ${path}: ${explainIo(cause)}; ${remedy}`, { cause });
  }
}
