import type { CommandRecord } from "./command.ts";
import type { CommandNews } from "./command-news.ts";
import { Fault } from "./faults.ts";
import type { Clock } from "./ports/clock.ts";
import type { CommandQueue } from "./ports/command-queue.ts";

/**
 * Queues again at once what was leased for a device that has not been sent it and will not be. The
 * attempt stays counted, as it was told of. What the store does not take back comes again when its
 * lease is over.
 */
export type GiveBack = (leased: readonly CommandRecord[]) => Promise<void>;

export interface GiveBackOptions {
  readonly queue: Pick<CommandQueue, "moveCommand">;
  readonly news: Pick<CommandNews, "changed">;
  readonly clock: Clock;
}

export function createGiveBack({ queue, news, clock }: GiveBackOptions): GiveBack {
  async function giveBack({ device, id, receiver = "" }: CommandRecord): Promise<void> {
    const input = { kind: "giveBack", nowMs: clock.nowMs(), receiver } as const;
    const outcome = await queue.moveCommand(device, id, input);
    if (outcome !== undefined && "changed" in outcome) news.changed(outcome.changed);
  }

  return async (leased) => {
    try {
      await Promise.all(leased.map(giveBack));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
  };
}
