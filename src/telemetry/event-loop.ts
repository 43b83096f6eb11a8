import type { Cancel, Clock } from "../core/ports/clock.ts";
import type { Metrics } from "../core/ports/metrics.ts";

const INTERVAL_MS = 250;

/** Measures how late a timer is: for so long nobody else was served either. */
export function watchEventLoop(clock: Clock, metrics: Metrics): Cancel {
  const delays = metrics.histogram("posthorn_event_loop_delay_seconds", {});
  let dueAtMs = clock.monotonicMs() + INTERVAL_MS;
  return clock.every(INTERVAL_MS, () => {
    const nowMs = clock.monotonicMs();
    delays.observe(Math.max(0, nowMs - dueAtMs) / 1000);
    dueAtMs = nowMs + INTERVAL_MS;
  });
}
