import type { OwnEventRules } from "../../core/own-event.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Deliver, Engine } from "../../core/ports/engine.ts";
import type { Entropy } from "../../core/ports/entropy.ts";
import type { Log } from "../../core/ports/log.ts";
import type { Metrics } from "../../core/ports/metrics.ts";
import { UNCOUNTED } from "../../core/uncounted.ts";
import { createBindings } from "./bindings.ts";
import { createCommandQueue } from "./command-queue.ts";
import { createDeviceRecords } from "./device-records.ts";
import { createDeviceStates } from "./device-states.ts";
import { createHealthLog } from "./health.ts";
import { createLanes } from "./lanes.ts";
import { createOutbox } from "./outbox.ts";
import { createPing } from "./ping.ts";
import { hasRoom } from "./room.ts";
import { createStoreMeter } from "./store-meter.ts";
import { createStreams } from "./streams.ts";
import { startSweep } from "./sweep.ts";
import type { Listeners, OutboxGrew } from "./tell-committed.ts";
import { openThreads } from "./threads.ts";
import type { Location } from "./wire.ts";
import type { WorkerLike } from "./worker-link.ts";

export interface SqliteEngineOptions {
  readonly location: Location;
  /** "full" keeps acknowledged writes through a power loss, "normal" through a crash only. */
  readonly sync: "full" | "normal";
  readonly deliver: Deliver;
  readonly outboxGrew: OutboxGrew;
  /** How the engine tells of what it changes by itself. */
  readonly ownEvents: OwnEventRules;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  /** Absent: nobody wants to know. */
  readonly metrics?: Metrics;
  /** How a thread is started, for tests that need to hold one. */
  readonly start?: () => WorkerLike;
}

const SEED_BYTES = 16;

/** Opens the embedded engine; rejects with words for the operator when the file cannot be used. */
export async function createSqliteEngine(options: SqliteEngineOptions): Promise<Engine> {
  const { clock, entropy, log, metrics = UNCOUNTED, ownEvents } = options;
  const startedMs = clock.monotonicMs();
  const threads = await openThreads({ ...options, seed: entropy.token(SEED_BYTES) });
  const written = createHealthLog(log, () => hasRoom(options.location));
  const meter = createStoreMeter(metrics);
  const lanes = createLanes({
    ...threads,
    clock,
    written(outcomes, tookMs) {
      written(outcomes);
      meter.written(outcomes, tookMs);
    },
  });
  const listeners = guardedListeners(options, meter);
  const stopSweep = startSweep({ write: lanes.write, clock, log });

  const close = async (): Promise<void> => {
    stopSweep();
    await Promise.all([lanes.write.finish(), lanes.read.finish()]);
    await threads[Symbol.asyncDispose]();
  };
  let closed: Promise<void> | undefined;

  log.info("store.opened", {
    location: options.location === "memory" ? "memory" : options.location.file,
    sync: options.sync,
    tookMs: Math.round(clock.monotonicMs() - startedMs),
  });
  return {
    ...createStreams(lanes, listeners),
    ...createDeviceRecords(lanes, ownEvents, listeners),
    ...createBindings(lanes),
    ...createDeviceStates(lanes, ownEvents, listeners),
    ...createOutbox(lanes, listeners.outboxGrew),
    ...createCommandQueue(lanes, ownEvents, listeners),
    ping: createPing(lanes, clock),
    figures: () => lanes.read.run("figures", null),
    [Symbol.asyncDispose]() {
      closed ??= close();
      return closed;
    },
  };
}

/** A listener's bug must not cost the other publications of the batch their delivery. */
function guardedListeners(
  { deliver, outboxGrew, log }: SqliteEngineOptions,
  { told }: Pick<Listeners, "told">,
): Listeners {
  return {
    told,
    deliver(channel, publication, position) {
      try {
        deliver(channel, publication, position);
      } catch (error) {
        log.error("task.failed", { stage: "deliver", channel, error });
      }
    },
    outboxGrew(endpoints) {
      try {
        outboxGrew(endpoints);
      } catch (error) {
        log.error("task.failed", { stage: "outbox", error });
      }
    },
  };
}
