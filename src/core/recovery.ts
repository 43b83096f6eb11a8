import type { History } from "./ports/engine.ts";
import type { Position, Publication } from "./publication.ts";

/** A publication that arrived while a subscription was still loading. */
export interface Held {
  readonly publication: Publication;
  readonly epoch: string;
}

/** What a new subscription is told. */
export type Opened =
  | {
      /** The client's own position when `recovered`, else where the stream stands now. */
      readonly position: Position;
      /** Absent when the client did not ask. */
      readonly recovered?: boolean;
      /** What it missed, in offset order; empty unless `recovered`. */
      readonly publications: readonly Publication[];
    }
  | "insufficient";

/**
 * Joins what the store kept with what arrived meanwhile, all or nothing: either every publication
 * after `since` is returned, or none and `recovered: false`. "insufficient" when what arrived does
 * not follow on from the store (the epoch changed, or a publication is missing between them).
 */
export function openStream(
  history: History,
  held: readonly Held[],
  since: Position | undefined,
): Opened {
  const live = liveAfter(history.top, held);
  if (live === "insufficient") return live;
  const top = live.at(-1)?.offset ?? history.top.offset;
  const now: Position = { epoch: history.top.epoch, offset: top };
  if (since === undefined) return { position: now, publications: [] };
  if (!isComplete(history, since)) return { position: now, recovered: false, publications: [] };
  return {
    position: { epoch: history.top.epoch, offset: since.offset },
    recovered: true,
    publications: [...history.publications, ...live],
  };
}

/**
 * The same for channels of which only the newest publication matters: a client that is behind gets
 * that one. `history` holds the newest publication, if it is still kept.
 */
export function openCache(
  history: History,
  held: readonly Held[],
  since: Position | undefined,
): Opened {
  const live = liveAfter(history.top, held);
  if (live === "insufficient") return live;
  const kept = history.publications.at(-1);
  const newest = live.at(-1) ?? (kept?.offset === history.top.offset ? kept : undefined);
  const position = { epoch: history.top.epoch, offset: newest?.offset ?? history.top.offset };
  if (since === undefined) return { position, publications: [] };
  if (since.epoch === position.epoch && since.offset === position.offset) {
    return { position, recovered: true, publications: [] };
  }
  if (newest === undefined) return { position, recovered: false, publications: [] };
  return { position, recovered: true, publications: [newest] };
}

/** Whether `history` holds everything after `since`. An empty epoch is not compared. */
function isComplete({ top, publications, isCut = false }: History, since: Position): boolean {
  if (isCut) return false;
  if (since.epoch !== "" && since.epoch !== top.epoch) return false;
  const first = publications[0];
  if (first === undefined) return since.offset === top.offset;
  return first.offset === since.offset + 1 && publications.at(-1)?.offset === top.offset;
}

function liveAfter(top: Position, held: readonly Held[]): Publication[] | "insufficient" {
  const live: Publication[] = [];
  let last = top.offset;
  for (const { publication, epoch } of held) {
    if (epoch !== top.epoch) return "insufficient";
    if (publication.offset <= last) continue;
    if (publication.offset > last + 1) return "insufficient";
    last = publication.offset;
    live.push(publication);
  }
  return live;
}
