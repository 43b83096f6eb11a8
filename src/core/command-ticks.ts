import type { CommandNews } from "./command-news.ts";
import { detach } from "./detach.ts";
import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import type { Clock } from "./ports/clock.ts";
import type { CommandQueue } from "./ports/command-queue.ts";
import type { Log } from "./ports/log.ts";

export interface CommandTicksOptions {
  readonly queue: Pick<CommandQueue, "tickCommands">;
  readonly news: Pick<CommandNews, "changed">;
  /** How long a receiver has to acknowledge. */
  readonly commandLeaseMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Does what time demands of commands: ends leases, ttls and waits for results that are over, at once
 * and then each second, one run at a time. Disposing resolves when the last run has ended.
 */
export function startCommandTicks(options: CommandTicksOptions) {
  const { queue, news, commandLeaseMs: leaseMs, clock, log } = options;
  const resultTimeoutMs = LIMITS.commandResultTimeoutMs;
  let running: Promise<void> | undefined;
  let isStopped = false;
  let hasFailed = false;

  async function run(): Promise<void> {
    for (let round = 0; round < LIMITS.commandTickRoundsMax && !isStopped; round += 1) {
      const changed = await queue.tickCommands({ nowMs: clock.nowMs(), leaseMs, resultTimeoutMs });
      for (const record of changed) news.changed(record);
      if (changed.length === 0) return;
    }
  }

  async function tryRun(): Promise<void> {
    try {
      await run();
      hasFailed = false;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      // Only the first time: the store says itself what is wrong with it.
      if (!hasFailed) log.warn("commands.failed", { why: error.message });
      hasFailed = true;
    }
  }

  function start(): void {
    if (running !== undefined) return;
    const started = tryRun().finally(() => {
      running = undefined;
    });
    running = started;
    detach(log, "commands.tick", () => started);
  }

  start();
  const cancel = clock.every(LIMITS.commandTickMs, start);
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      isStopped = true;
      cancel();
      // How it ended was told already.
      await Promise.allSettled([running]);
    },
  };
}
