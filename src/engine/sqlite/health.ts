import type { Log } from "../../core/ports/log.ts";
import { type Failure, storeTrouble } from "./failure.ts";
import type { Outcome } from "./wire.ts";

/**
 * Logs when the store stops and starts working again, and every bug once it shows.
 *
 * A full disk refuses thousands of writes a second; one line says as much as all of them.
 */
export function createHealthLog(log: Log): (outcomes: readonly Outcome[]) => void {
  let trouble: string | undefined;
  return (outcomes) => {
    for (const failure of distinctFailures(outcomes)) {
      const found = storeTrouble(failure);
      if (found !== undefined && found === trouble) continue;
      trouble = found ?? trouble;
      log.error("store.failed", { found: found ?? "bug", error: failure.message });
    }
    if (trouble !== undefined && outcomes.some(({ ok }) => ok) && outcomes.every(worked)) {
      log.info("store.recovered", { after: trouble });
      trouble = undefined;
    }
  };
}

function distinctFailures(outcomes: readonly Outcome[]): readonly Failure[] {
  const byMessage = new Map<string, Failure>();
  for (const outcome of outcomes) {
    if (outcome.ok || outcome.failure.fault) continue;
    byMessage.set(outcome.failure.message, outcome.failure);
  }
  return [...byMessage.values()];
}

/** To refuse what is not allowed is no trouble. */
function worked(outcome: Outcome): boolean {
  return outcome.ok || outcome.failure.fault !== undefined;
}
