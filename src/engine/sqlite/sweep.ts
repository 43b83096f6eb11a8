import { detach } from "../../core/detach.ts";
import type { Cancel, Clock } from "../../core/ports/clock.ts";
import type { Log } from "../../core/ports/log.ts";
import type { Batcher } from "./batcher.ts";

const SWEEP_INTERVAL_MS = 10_000;

export interface SweepParts {
  readonly write: Batcher;
  readonly clock: Clock;
  readonly log: Log;
}

/** Starts forgetting, now and then, what is past its time. */
export function startSweep({ write, clock, log }: SweepParts): Cancel {
  let isSweeping = false;
  let isCanceled = false;
  const sweep = async (): Promise<void> => {
    if (isSweeping) return;
    isSweeping = true;
    const untold = new Map<string, number>();
    try {
      // Each round is one operation in its own batch: appends go on in between.
      for (let more = true; more && !isCanceled; ) {
        const swept = await write.run("sweep", null);
        more = swept.more;
        for (const [endpoint, events] of Object.entries(swept.untold)) {
          untold.set(endpoint, (untold.get(endpoint) ?? 0) + events);
        }
      }
    } finally {
      isSweeping = false;
      for (const [endpoint, events] of untold) log.error("webhook.forgotten", { endpoint, events });
    }
  };
  const stop = clock.every(SWEEP_INTERVAL_MS, () => detach(log, "store sweep", sweep));
  return () => {
    isCanceled = true;
    stop();
  };
}
