import type { Log } from "../../core/ports/log.ts";
import { type Failure, SQLITE_FULL, storeTrouble } from "./failure.ts";
import type { Outcome } from "./wire.ts";

const FULL = storeTrouble({ message: "", sqliteCode: SQLITE_FULL });

/**
 * Logs when the store stops and starts working again, and every bug once it shows.
 *
 * A full disk refuses thousands of writes a second; one line says as much as all of them. And it
 * takes a small one now and then, from which it has not recovered: `hasRoom` is asked too.
 */
export function createHealthLog(
  log: Log,
  hasRoom: () => boolean,
): (outcomes: readonly Outcome[]) => void {
  let trouble: string | undefined;

  function hear(failure: Failure): void {
    const found = storeTrouble(failure);
    if (found !== undefined && found === trouble) return;
    trouble = found ?? trouble;
    log.error("store.failed", { found: found ?? "bug", error: failure.message });
  }

  return (outcomes) => {
    for (const failure of distinctFailures(outcomes)) hear(failure);
    if (trouble === undefined || !isProof(outcomes)) return;
    if (trouble === FULL && !hasRoom()) return;
    log.info("store.recovered", { after: trouble });
    trouble = undefined;
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

/** Something was stored, and nothing failed. */
function isProof(outcomes: readonly Outcome[]): boolean {
  return outcomes.some(({ ok }) => ok) && outcomes.every(worked);
}

/** To refuse what is not allowed is no trouble. */
function worked(outcome: Outcome): boolean {
  return outcome.ok || outcome.failure.fault !== undefined;
}
