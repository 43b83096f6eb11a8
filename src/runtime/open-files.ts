import { closeSync, openSync, readFileSync, statSync } from "node:fs";
import { parseOpenFilesMax } from "../core/open-files-max.ts";

/** How many files this process may have open, every connection among them, and how many it has. */
export interface OpenFiles {
  readonly max: number;
  /** At most `max`; cheap enough to be asked several times a second. */
  count(): number;
}

/** Both runtimes have raised the limit as far as they may before we run. Only Linux tells it: undefined elsewhere. */
export function readOpenFiles(): OpenFiles | undefined {
  const max = readMax();
  return max === undefined ? undefined : { max, count: () => countOpen(max) };
}

function readMax(): number | undefined {
  try {
    return parseOpenFilesMax(readFileSync("/proc/self/limits", "utf8"));
  } catch {
    return undefined; // no Linux, or no /proc in its container
  }
}

/** Since Linux 6.2 the size of that directory is their number; before, it is 0. */
function countOpen(max: number): number {
  return statSync("/proc/self/fd").size || lowestFree(max);
}

/** Numbers are given out from the lowest on, so that the next one tells how many are taken, when they are many. */
function lowestFree(max: number): number {
  try {
    const next = openSync("/dev/null", "r");
    closeSync(next);
    return next;
  } catch {
    return max; // there is none left
  }
}
