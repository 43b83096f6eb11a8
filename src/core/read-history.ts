import type { Channel } from "./channel.ts";
import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import type { Namespace } from "./namespaces.ts";
import type { History, Streams } from "./ports/engine.ts";
import type { Position } from "./publication.ts";

/** A page as clients and the backend ask for it. */
export interface HistoryPage {
  /** 0 or absent: the position only. Negative: as many as are allowed. */
  readonly limit?: number | undefined;
  readonly since?: Position | undefined;
  readonly reverse?: boolean | undefined;
  /** As many as are allowed; by default what clients may read at once. */
  readonly publicationsMax?: number | undefined;
  /** The page ends before it weighs more, after one publication at the earliest. */
  readonly maxBytes?: number | undefined;
}

/**
 * Reads a page of what a channel keeps. Throws `feature_unavailable` when it keeps nothing,
 * `position_unrecoverable` when the epoch is another, and `history_invalid` for a page before the
 * first publication.
 */
export async function readHistory(
  streams: Pick<Streams, "history">,
  { channel, rules }: { readonly channel: Channel; readonly rules: Namespace },
  { limit = 0, since, reverse = false, ...bounds }: HistoryPage,
): Promise<History> {
  if (rules.retention === undefined) throw new Fault("feature_unavailable", { detail: "history" });
  if (reverse && since?.offset === 0) {
    throw new Fault("history_invalid", { detail: "nothing comes before offset 0" });
  }
  const allowed = bounds.publicationsMax ?? LIMITS.historyMaxPublications;
  const found = await streams.history(channel, {
    limit: limit < 0 ? allowed : Math.min(limit, allowed),
    ttlMs: rules.retention.ttlMs,
    reverse,
    maxBytes: bounds.maxBytes ?? LIMITS.historyMaxBytes,
    ...(since && { sinceOffset: since.offset }),
  });
  if (since !== undefined && since.epoch !== "" && since.epoch !== found.top.epoch) {
    throw new Fault("position_unrecoverable");
  }
  return found;
}
