import { Fault } from "../../core/faults.ts";
import { toError } from "./failure.ts";
import type { Input, OperationName, Output } from "./operations.ts";
import { refuseNul } from "./refuse-nul.ts";
import type { Call, Outcome } from "./wire.ts";

/** How much may wait, and how much goes into one transaction. */
export interface BatcherLimits {
  readonly queuedMax: number;
  readonly queuedMaxBytes: number;
  readonly batchMax: number;
  readonly batchMaxBytes: number;
}

export interface RunOptions<Value> {
  /** Names what the operation changes, for {@link Batcher.settled}. */
  readonly key?: string;
  /** Roughly what it holds in memory: the input while it waits, or the answer while it travels. */
  readonly bytes?: number;
  /** Called after the commit and before the promise resolves, in commit order. MUST NOT throw. */
  readonly committed?: (value: Value) => void;
  /** A look at the answer: what it returns is run in another batch instead, and answers for good. */
  readonly again?: (
    value: Value,
  ) => { readonly input: unknown; readonly bytes: number } | undefined;
}

/** Runs operations in batches, one batch at a time, in the order they were asked for. */
export interface Batcher {
  /** Rejects with `store_busy` when too much is waiting already. */
  run<Name extends OperationName>(
    name: Name,
    input: Input<Name>,
    options?: RunOptions<Output<Name>>,
  ): Promise<Output<Name>>;
  /** Resolves when the batch under way, if it has an operation with this key, is settled. */
  settled(key: string): Promise<void>;
  /** Throws `draining` after {@link Batcher.finish}. */
  ensureOpen(): void;
  /** Refuses new operations and resolves when the ones asked for are settled. */
  finish(): Promise<void>;
}

interface Job {
  readonly call: Call;
  readonly key: string | undefined;
  readonly bytes: number;
  readonly settle: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Flight {
  readonly keys: ReadonlySet<string | undefined>;
  readonly landed: Promise<void>;
}

/** What a job weighs beside its data. */
const JOB_BYTES = 200;

/**
 * Groups what arrives while a batch is under way into the next one.
 *
 * `send` runs the calls in one transaction and resolves to one outcome per call.
 */
export function createBatcher(
  send: (calls: readonly Call[]) => Promise<readonly Outcome[]>,
  limits: BatcherLimits,
): Batcher {
  const queue: Job[] = [];
  let queuedBytes = 0;
  let flight: Flight | undefined;
  let pumping: Promise<void> | undefined;
  let isOpen = true;

  const ensureOpen = (): void => {
    if (!isOpen) throw new Fault("draining", { detail: "the store is closed" });
  };

  const fly = async (): Promise<void> => {
    const jobs = queue.splice(0, countForBatch(queue, limits));
    for (const job of jobs) queuedBytes -= job.bytes;
    const landed = Promise.withResolvers<void>();
    flight = { keys: new Set(jobs.map((job) => job.key)), landed: landed.promise };
    try {
      settleAll(jobs, await send(jobs.map((job) => job.call)));
    } catch (error) {
      for (const job of jobs) job.reject(error);
    }
    flight = undefined;
    landed.resolve();
  };

  const pump = async (): Promise<void> => {
    // What else this turn of the event loop asks for shares the first batch.
    await Promise.resolve();
    while (queue.length > 0) await fly();
    pumping = undefined;
  };

  const enqueue = (job: Job): void => {
    queue.push(job);
    queuedBytes += job.bytes;
  };

  return {
    run(name, input, { key, bytes = 0, committed, again } = {}) {
      return new Promise((resolve, reject) => {
        ensureOpen();
        refuseNul(input);
        if (queue.length >= limits.queuedMax || queuedBytes + bytes > limits.queuedMaxBytes) {
          return reject(new Fault("store_busy", { detail: `${queue.length} are waiting already` }));
        }
        const settle = (value: unknown): void => {
          committed?.(value as Output<typeof name>);
          resolve(value as Output<typeof name>);
        };
        const settleOrRepeat = (value: unknown): void => {
          const next = again?.(value as Output<typeof name>);
          if (next === undefined) settle(value);
          // The pump is still at work, so closing waits for this one too.
          else enqueue({ ...job, ...weighed(name, next), settle });
        };
        const job = { ...weighed(name, { input, bytes }), key, settle: settleOrRepeat, reject };
        enqueue(job);
        pumping ??= pump();
      });
    },
    async settled(key) {
      if (flight?.keys.has(key)) await flight.landed;
    },
    ensureOpen,
    async finish() {
      isOpen = false;
      await pumping;
    },
  };
}

function weighed(
  name: OperationName,
  { input, bytes }: { readonly input: unknown; readonly bytes: number },
): Pick<Job, "call" | "bytes"> {
  return { call: { name, input }, bytes: bytes + JOB_BYTES };
}

function countForBatch(queue: readonly Job[], limits: BatcherLimits): number {
  let bytes = 0;
  let count = 0;
  for (const job of queue) {
    bytes += job.bytes;
    if (count === limits.batchMax || (count > 0 && bytes > limits.batchMaxBytes)) break;
    count += 1;
  }
  return count;
}

function settleAll(jobs: readonly Job[], outcomes: readonly Outcome[]): void {
  for (const [index, job] of jobs.entries()) {
    const outcome = outcomes[index];
    if (outcome?.ok) job.settle(outcome.value);
    else if (outcome) job.reject(toError(outcome.failure));
    else job.reject(new Error(`Cannot settle ${job.call.name}: the worker gave no outcome`));
  }
}
