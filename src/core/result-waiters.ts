import { type CommandId, type CommandRecord, isFinal } from "./command.ts";
import { Fault } from "./faults.ts";
import { type GivenUp, type Holding, holdUntil } from "./hold-until.ts";
import type { Clock } from "./ports/clock.ts";
import type { StopSignal } from "./ports/stop-signal.ts";

/** Who waits for the end of which command. */
export interface ResultWaiters {
  /**
   * Resolves to the command when it is done, failed, expired or canceled. Throws `waiters_exceeded`.
   *
   * To be called before the command is queued, or else the command has to be read once more after
   * this was called: an end that came before is not told again.
   */
  wait(
    command: CommandId,
    timeoutMs: number,
    signal?: StopSignal,
  ): Promise<CommandRecord | GivenUp>;
  /** To be called after every transition; wakes everyone who waits for this end. */
  changed(record: CommandRecord): void;
  /** Ends every wait, and from now on each at once: the server drains. */
  releaseAll(): void;
  /** Those that wait. */
  readonly count: number;
}

export interface ResultWaitersOptions {
  readonly clock: Clock;
  readonly limits: { readonly resultWaitersMax: number };
}

export function createResultWaiters({ clock, limits }: ResultWaitersOptions): ResultWaiters {
  const byCommand = new Map<CommandId, Set<Holding<CommandRecord>>>();
  let count = 0;
  let isDraining = false;

  function remove(command: CommandId, holding: Holding<CommandRecord>): void {
    const holdings = byCommand.get(command);
    if (!holdings?.delete(holding)) return;
    count -= 1;
    if (holdings.size === 0) byCommand.delete(command);
  }

  return {
    async wait(command, timeoutMs, signal) {
      if (isDraining || signal?.aborted) return "released";
      if (count >= limits.resultWaitersMax) {
        const detail = `${count} requests wait for results, at most ${limits.resultWaitersMax} may`;
        throw new Fault("waiters_exceeded", { detail });
      }
      const holding: Holding<CommandRecord> = holdUntil(clock, { timeoutMs, signal }, () =>
        remove(command, holding),
      );
      byCommand.set(command, (byCommand.get(command) ?? new Set()).add(holding));
      count += 1;
      return holding.ended;
    },
    changed(record) {
      if (!isFinal(record.status)) return;
      for (const holding of [...(byCommand.get(record.id) ?? [])]) holding.end(record);
    },
    releaseAll() {
      isDraining = true;
      const holdings = [...byCommand.values()].flatMap((ofOne) => [...ofOne]);
      for (const holding of holdings) holding.end("released");
    },
    get count() {
      return count;
    },
  };
}
