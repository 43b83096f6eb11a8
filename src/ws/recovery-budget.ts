import { Buffer } from "node:buffer";
import type { Opened } from "../core/recovery.ts";

type Sufficient = Exclude<Opened, "insufficient">;

/**
 * What the recoveries of one answer may bring in all. A recovery that does not fit is none: the
 * client is told so, and reads the current state as it would after too long an absence.
 */
export class RecoveryBudget {
  #leftBytes: number;

  constructor(maxBytes: number) {
    this.#leftBytes = maxBytes;
  }

  /** The same answer, or `recovered: false` where the budget does not hold it. */
  spend(opened: Sufficient): Sufficient {
    const last = opened.publications.at(-1);
    if (last === undefined) return opened;
    const bytes = opened.publications.reduce((sum, { data }) => sum + Buffer.byteLength(data), 0);
    if (bytes <= this.#leftBytes) {
      this.#leftBytes -= bytes;
      return opened;
    }
    const position = { epoch: opened.position.epoch, offset: last.offset };
    return { position, recovered: false, publications: [] };
  }
}
