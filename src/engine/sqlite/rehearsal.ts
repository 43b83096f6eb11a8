import { existsSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { copyStore } from "./copy-store.ts";
import { explainOpen } from "./open-failure.ts";
import { refuseLogAlone } from "./private-file.ts";
import { isCurrent } from "./schema.ts";

/**
 * Makes sure that this build can open a store that another process still serves: what has to be migrated
 * is migrated on a copy first. Throws what stands in the way.
 */
export function rehearseOpening(file: string, nowMs: number): void {
  explainOpen(file, () => refuseLogAlone(file));
  if (!existsSync(file)) return;
  const isAsWeWant = explainOpen(file, () => {
    using database = new DatabaseSync(file, { readOnly: true });
    return isCurrent(database);
  });
  if (isAsWeWant) return;
  const copy = `${file}.rehearsal`;
  try {
    copyStore({ from: file, to: copy, nowMs });
  } finally {
    rmSync(copy, { force: true });
  }
}
