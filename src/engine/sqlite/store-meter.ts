import type { OwnEventType } from "../../core/own-event.ts";
import type { Metrics } from "../../core/ports/metrics.ts";
import { storeTrouble } from "./failure.ts";
import type { Outcome } from "./wire.ts";

/** Counts what the store does. */
export function createStoreMeter(metrics: Metrics) {
  const seconds = metrics.histogram("posthorn_store_commit_seconds", {});
  const operations = metrics.histogram("posthorn_store_commit_operations", {});
  const failures = metrics.counter("posthorn_store_failures_total", {});
  return {
    written(outcomes: readonly Outcome[], tookMs: number): void {
      seconds.observe(tookMs / 1000);
      operations.observe(outcomes.length);
      failures.add(outcomes.filter(isTrouble).length);
    },
    told(type: OwnEventType): void {
      metrics.count("posthorn_own_events_total", { type });
    },
  };
}

function isTrouble(outcome: Outcome): boolean {
  return !outcome.ok && storeTrouble(outcome.failure) !== undefined;
}
