import { Buffer } from "node:buffer";
import type { Publication } from "../core/publication.ts";
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

  get leftBytes(): number {
    return this.#leftBytes;
  }

  /** False, taking nothing, where there is less left than these weigh. */
  take(publications: readonly Publication[]): boolean {
    const bytes = publications.reduce((sum, publication) => sum + weightOf(publication), 0);
    if (bytes > this.#leftBytes) return false;
    this.#leftBytes -= bytes;
    return true;
  }

  /** The same answer, or `recovered: false` where the budget does not hold it. */
  spend(opened: Sufficient): Sufficient {
    const last = opened.publications.at(-1);
    if (last === undefined) return opened;
    if (this.take(opened.publications)) return opened;
    const position = { epoch: opened.position.epoch, offset: last.offset };
    return { position, recovered: false, publications: [] };
  }
}

function weightOf({ data, tags, info = "" }: Publication): number {
  const tagsText = tags === undefined ? "" : JSON.stringify(tags);
  return Buffer.byteLength(data) + Buffer.byteLength(tagsText) + Buffer.byteLength(info);
}
