import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { explainIo } from "../io-errors.ts";
import type { PlannedFile } from "./install-plan.ts";

export type Put = "new" | "changed" | "unchanged";

/** Whether a file is as it should be. */
export function compareFile({ path, text }: Pick<PlannedFile, "path" | "text">): Put {
  if (!existsSync(path)) return "new";
  return readFileSync(path, "utf8") === text ? "unchanged" : "changed";
}

/** Whether the executable there is this one. */
export function compareExecutable(from: string, path: string): Put {
  if (!existsSync(path)) return "new";
  return readFileSync(from).equals(readFileSync(path)) ? "unchanged" : "changed";
}

/** Writes a file in one step. */
export function putFile({ path, text, mode }: PlannedFile): void {
  put(path, mode, (draft) => writeFileSync(draft, text, { mode, flag: "wx" }));
}

/** Copies the executable in one step: one that runs cannot be written over. */
export function putExecutable(from: string, path: string): void {
  put(path, 0o755, (draft) => copyFileSync(from, draft));
}

function put(path: string, mode: number, write: (draft: string) => void): void {
  const draft = `${path}.new`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    rmSync(draft, { force: true });
    write(draft);
    // Whatever the umask has made of it.
    chmodSync(draft, mode);
    renameSync(draft, path);
  } catch (cause) {
    rmSync(draft, { force: true });
    throw new Error(`Cannot write ${path}: ${explainIo(cause)}`, { cause });
  }
}
