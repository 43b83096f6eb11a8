import { detach } from "../core/detach.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Cancel, Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { Outbox } from "../core/ports/outbox.ts";

export interface WatchFullnessParts {
  /** Their names, at any time. */
  readonly endpoints: () => readonly string[];
  readonly outbox: Pick<Outbox, "outboxCounts">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Says so, once, when an endpoint has so much waiting that events die at once and the oldest are lost. */
export function watchFullness({ endpoints, outbox, clock, log }: WatchFullnessParts): Cancel {
  const full = new Set<string>();
  const check = async (endpoint: string): Promise<void> => {
    try {
      const { waiting, waitingBytes, dead } = await outbox.outboxCounts(endpoint);
      const hasRoom = waiting < LIMITS.outboxRowsMax && waitingBytes < LIMITS.outboxMaxBytes;
      if (hasRoom) full.delete(endpoint);
      else if (!full.has(endpoint)) {
        full.add(endpoint);
        log.error("webhook.full", { endpoint, waiting, waitingBytes, dead });
      }
    } catch (error) {
      // A store that cannot answer says so itself.
      if (!(error instanceof Fault)) throw error;
    }
  };
  return clock.every(LIMITS.outboxWatchMs, () => {
    for (const endpoint of endpoints()) detach(log, "webhook_fullness", () => check(endpoint));
  });
}
