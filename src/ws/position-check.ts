import { namespaceOf } from "../core/channel.ts";
import { detach } from "../core/detach.ts";
import { LIMITS } from "../core/limits.ts";
import type { LiveNamespaces } from "../core/namespaces.ts";
import type { Cancel, Clock } from "../core/ports/clock.ts";
import type { Streams } from "../core/ports/engine.ts";
import type { Log } from "../core/ports/log.ts";
import type { LiveFanout } from "./live-fanout.ts";

export interface PositionCheckOptions {
  readonly fanout: LiveFanout;
  readonly streams: Pick<Streams, "history">;
  readonly namespaces: LiveNamespaces;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Compares now and then what was delivered in each channel with where its stream stands. In a quiet
 * channel nothing else would show that a publication was stored and never delivered.
 */
export function watchPositions(options: PositionCheckOptions): Cancel {
  const { clock, log } = options;
  let isRunning = false;

  async function check(): Promise<void> {
    isRunning = true;
    try {
      await comparePositions(options);
    } finally {
      isRunning = false;
    }
  }

  return clock.every(LIMITS.positionCheckMs, () => {
    if (!isRunning) detach(log, "positions", check);
  });
}

/** One after the other, so that many channels do not keep the store from those who wait. */
async function comparePositions({ fanout, streams, namespaces }: PositionCheckOptions) {
  for (const channel of [...fanout.channels()]) {
    // One whose namespace is no more keeps who is there, and gets nothing.
    const retention = namespaces.get(namespaceOf(channel))?.retention;
    if (retention === undefined) continue;
    const { top } = await streams.history(channel, { limit: 0, ttlMs: retention.ttlMs });
    fanout.compareWith(channel, top);
  }
}
