import type { Cancel, Clock } from "../core/ports/clock.ts";

/** Timers of both runtimes fire at once when asked to wait longer than this. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after,
  every(intervalMs, run) {
    const timer = setInterval(run, Math.min(intervalMs, TIMER_MAX_MS));
    return () => clearInterval(timer);
  },
};

function after(delayMs: number, run: () => void): Cancel {
  let timer: ReturnType<typeof setTimeout>;
  const wait = (restMs: number): void => {
    const partMs = Math.min(restMs, TIMER_MAX_MS);
    timer = setTimeout(() => (restMs > partMs ? wait(restMs - partMs) : run()), partMs);
  };
  wait(delayMs);
  return () => clearTimeout(timer);
}
