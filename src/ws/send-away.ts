import type { Clock } from "../core/ports/clock.ts";
import type { Entropy } from "../core/ports/entropy.ts";
import { drainingDisconnect } from "../protocol/codes.ts";
import type { ClientRegistry, RegisteredClient } from "./client-registry.ts";

/** Between two batches, each of those who are due before the next. */
const TICK_MS = 50;

/** How fast clients are sent away, and how long after that they come back. */
export interface DrainPace {
  /** Clients. */
  readonly perSecond: number;
  /** However many there are, they go within this time. */
  readonly withinMs: number;
  /** Over this time, counted from when the last one goes, they come back, each at a time of its own. */
  readonly spreadMs: number;
  /** Asked before each batch: the rest may stay. */
  readonly isCanceled?: () => boolean;
}

export interface SendAwayParts {
  readonly registry: Pick<ClientRegistry<RegisteredClient>, "clients">;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/**
 * Sends away every client there is, in batches: ten thousand goodbyes in one tick would hold up whatever
 * else has to be finished. Resolves when the last one has been told.
 */
export async function sendAway(parts: SendAwayParts, pace: DrainPace): Promise<void> {
  const { registry, clock, entropy } = parts;
  const { perSecond, withinMs, spreadMs, isCanceled = () => false } = pace;
  const leaving = [...registry.clients()];
  const windowMs = Math.min((leaving.length / perSecond) * 1000, withinMs);
  const startedMs = clock.monotonicMs();
  for (let from = 0; from < leaving.length && !isCanceled(); ) {
    if (from > 0) await pause(clock);
    const tookMs = clock.monotonicMs() - startedMs;
    const share = windowMs > 0 ? (tookMs + TICK_MS) / windowMs : 1;
    const until = Math.min(Math.ceil(leaving.length * share), leaving.length);
    const leftMs = Math.max(0, windowMs - tookMs);
    for (const client of leaving.slice(from, until)) {
      client.end(drainingDisconnect(Math.round(leftMs + entropy.fraction() * spreadMs)));
    }
    from = until;
  }
}

async function pause(clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  clock.after(TICK_MS, resolve);
  await promise;
}
