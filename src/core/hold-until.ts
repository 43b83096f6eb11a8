import type { Clock } from "./ports/clock.ts";
import type { StopSignal } from "./ports/stop-signal.ts";

/** For how long someone waits. */
export interface Patience {
  readonly timeoutMs: number;
  /** Ends the wait as "released": the peer is gone. MUST NOT be aborted yet, since it says so only once. */
  readonly signal?: StopSignal | undefined;
}

/** "released": whoever waits is let go without what it waited for, since its peer is gone or the server drains. */
export type GivenUp = "timeout" | "released";

/** One wait. It ends once; ending it again changes nothing. */
export interface Holding<Outcome> {
  readonly ended: Promise<Outcome | GivenUp>;
  end(outcome: Outcome | GivenUp): void;
}

/**
 * Waits until someone calls `end`, at the cost of one timer. `onEnd` runs within that call, before
 * whoever waits hears of it.
 */
export function holdUntil<Outcome>(
  clock: Clock,
  { timeoutMs, signal }: Patience,
  onEnd: (outcome: Outcome | GivenUp) => void,
): Holding<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome | GivenUp>();
  const cancelTimer = clock.after(Math.max(0, timeoutMs), () => end("timeout"));
  const release = (): void => end("released");
  let isOver = false;

  function end(outcome: Outcome | GivenUp): void {
    if (isOver) return;
    isOver = true;
    cancelTimer();
    signal?.removeEventListener("abort", release);
    onEnd(outcome);
    resolve(outcome);
  }

  signal?.addEventListener("abort", release);
  return { ended: promise, end };
}
