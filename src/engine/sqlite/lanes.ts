import { LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { type Batcher, createBatcher } from "./batcher.ts";
import type { Thread } from "./thread.ts";
import type { BatchRequest, Outcome } from "./wire.ts";

/** The two ways into the store. A commit on the one never delays the other (in a file). */
export interface Lanes {
  readonly write: Batcher;
  readonly read: Batcher;
}

export interface LaneParts {
  readonly writer: Thread;
  readonly reader: Thread;
  readonly clock: Clock;
  /** Hears what became of every batch of writes, and how long it took. */
  readonly written: (outcomes: readonly Outcome[], tookMs: number) => void;
}

/** Joins the workers and the queues in front of them. */
export function createLanes({ writer, reader, clock, written }: LaneParts): Lanes {
  const sendTo = async (
    thread: Thread,
    batch: Pick<BatchRequest, "access" | "calls">,
  ): Promise<readonly Outcome[]> => {
    const reply = await thread.request({ type: "batch", nowMs: clock.nowMs(), ...batch });
    return reply as readonly Outcome[];
  };
  return {
    write: createBatcher(
      async (calls) => {
        const startedMs = clock.monotonicMs();
        const outcomes = await sendTo(writer, { access: "write", calls });
        written(outcomes, clock.monotonicMs() - startedMs);
        return outcomes;
      },
      {
        queuedMax: LIMITS.appendsQueued,
        queuedMaxBytes: LIMITS.appendsQueuedMaxBytes,
        batchMax: LIMITS.writesPerBatch,
        batchMaxBytes: LIMITS.batchMaxBytes,
      },
    ),
    read: createBatcher((calls) => sendTo(reader, { access: "read", calls }), {
      queuedMax: LIMITS.readsQueued,
      queuedMaxBytes: Number.POSITIVE_INFINITY,
      batchMax: LIMITS.readsPerBatch,
      batchMaxBytes: LIMITS.readBatchMaxBytes,
    }),
  };
}
