import type { Clock } from "../../core/ports/clock.ts";
import type { Entropy } from "../../core/ports/entropy.ts";
import { LineBroken } from "./line.ts";
import { pause } from "./pause.ts";

const PAUSE_FIRST_MS = 1_000;

/** A real terminal may wait for a minute; whoever watches this one would not. */
const PAUSE_MAX_MS = 15_000;

export interface KeepDoingOptions {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly signal: AbortSignal;
  readonly print: (text: string) => void;
  /** What those who wait have told: the same trouble of another step is told by one of them. */
  readonly troubles: Map<object, string>;
}

/** Does a step again and again until the signal aborts, later and later while the line is broken. */
export async function keepDoing(
  step: () => Promise<void>,
  { clock, entropy, signal, print, troubles }: KeepDoingOptions,
): Promise<void> {
  let pauseMs = PAUSE_FIRST_MS;
  while (!signal.aborted) {
    try {
      troubles.delete(step);
      await step();
      pauseMs = PAUSE_FIRST_MS;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof LineBroken)) throw error;
      // A fleet that lost its server must not come back as one.
      const jitteredMs = pauseMs + entropy.fraction() * (pauseMs / 2);
      const waitMs = Math.max(jitteredMs, error.retryAfterMs);
      const isTold = [...troubles.values()].includes(error.message);
      if (!isTold) {
        troubles.set(step, error.message);
        print(`trouble: ${error.message}; again in ${(waitMs / 1000).toFixed(1)} s`);
      }
      await pause(waitMs, clock, signal);
      pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS);
    }
  }
}
