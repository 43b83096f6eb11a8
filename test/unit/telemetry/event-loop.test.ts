import { expect, test } from "bun:test";
import { watchEventLoop } from "../../../src/telemetry/event-loop.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { parsePrometheusText, valueIn } from "../../support/prometheus-text.ts";

test("watchEventLoop() tells by how much a timer was late", async () => {
  let nowMs = 0;
  let tick: () => void = () => undefined;
  const clock = new FakeClock();
  const metrics = createMetrics();
  watchEventLoop(
    {
      nowMs: () => clock.nowMs(),
      after: (delayMs, run) => clock.after(delayMs, run),
      monotonicMs: () => nowMs,
      every(_, run) {
        tick = run;
        return () => undefined;
      },
    },
    metrics,
  );
  for (const atMs of [250, 500, 900]) {
    nowMs = atMs;
    tick();
  }
  const families = parsePrometheusText(await metrics.text());
  expect(valueIn(families, "posthorn_event_loop_delay_seconds_count")).toBe(3);
  expect(valueIn(families, "posthorn_event_loop_delay_seconds_sum")).toBeCloseTo(0.15);
});
