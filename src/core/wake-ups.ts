import { type Backoff, backoffMs, withJitter } from "./backoff.ts";
import type { DeviceId } from "./device-id.ts";
import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import type { Cancel, Clock } from "./ports/clock.ts";
import type { PushTarget } from "./ports/device-records.ts";
import type { Entropy } from "./ports/entropy.ts";
import type { Log } from "./ports/log.ts";
import type { Metrics } from "./ports/metrics.ts";
import type { PushProvider, WakeHint, WakeOutcome } from "./ports/push.ts";
import { WakeLane } from "./wake-lane.ts";

/** What has to be known of devices to wake them. */
export interface SleepingDevices {
  /** For how long the device has held nothing open; 0 only while it does, Infinity when it is not known to have. MUST NOT throw. */
  idleMs(device: DeviceId): number;
  /** What waits for the device now; undefined when nothing does. */
  hint(device: DeviceId): Promise<WakeHint | undefined>;
  target(device: DeviceId): Promise<PushTarget | undefined>;
  /** Forgets the target, unless the device has another one by now. */
  dropTarget(device: DeviceId, target: PushTarget): Promise<void>;
}

/**
 * Wakes devices for which commands wait while they hold nothing open.
 *
 * One device is woken at most once per interval, and only when its queue has grown since. Providers
 * that want to be asked again are, for a while. Nothing here is kept: see `wakeThoseWaiting`.
 */
export interface WakeUps extends AsyncDisposable {
  /** Says that something new waits for the device, or that it can be woken at last. Returns at once. */
  queueGrew(device: DeviceId): void;
  /** From now on these are the providers, by their names. What is on its way ends as it began. */
  replaceProviders(providers: ReadonlyMap<string, PushProvider>): void;
}

export interface WakeUpsOptions {
  /** By their names in the configuration. */
  readonly providers: ReadonlyMap<string, PushProvider>;
  readonly devices: SleepingDevices;
  /** Read for each device: it may change. */
  readonly wakeIntervalMs: number;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** One device from the moment its queue grew until it may be forgotten again. */
interface Sleeper {
  readonly device: DeviceId;
  /** The queue has grown since it was last read. */
  grew: boolean;
  failures: number;
  startedAtMs: number;
  cancel: Cancel;
}

interface Retry {
  readonly provider: string;
  readonly afterMs: number;
  readonly why: string;
}

const RETRY: Backoff = { firstMs: 5_000, factor: 2, maxMs: 5 * 60 * 1000 };

export function createWakeUps(options: WakeUpsOptions): WakeUps {
  return new Sleepers(options);
}

class Sleepers implements WakeUps {
  readonly #options: WakeUpsOptions;
  #lanes: ReadonlyMap<string, WakeLane> = new Map();
  readonly #sleepers = new Map<DeviceId, Sleeper>();
  readonly #running = new Set<Promise<void>>();
  #wasFull = false;
  #isClosed = false;

  constructor(options: WakeUpsOptions) {
    this.#options = options;
    this.replaceProviders(options.providers);
  }

  replaceProviders(providers: ReadonlyMap<string, PushProvider>): void {
    const lanes = [...providers].map(([name, provider]) => {
      const lane = this.#lanes.get(name) ?? new WakeLane({ ...this.#options, name, provider });
      lane.replaceProvider(provider);
      return [name, lane] as const;
    });
    this.#lanes = new Map(lanes);
  }

  queueGrew(device: DeviceId): void {
    if (this.#isClosed || this.#lanes.size === 0) return;
    const known = this.#sleepers.get(device);
    if (known !== undefined) {
      known.grew = true;
      return;
    }
    if (this.#isFull()) return;
    const sleeper = { device, grew: false, failures: 0, startedAtMs: 0, cancel: () => {} };
    this.#sleepers.set(device, sleeper);
    this.#start(sleeper);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const { cancel } of this.#sleepers.values()) cancel();
    this.#sleepers.clear();
    await Promise.all(this.#running);
  }

  /** Says so once, until there is room again. */
  #isFull(): boolean {
    const isFull = this.#sleepers.size >= LIMITS.wakesAtATime;
    if (isFull && !this.#wasFull) {
      this.#options.log.warn("push.dropped", { waiting: this.#sleepers.size });
    }
    this.#wasFull = isFull;
    return isFull;
  }

  #start(sleeper: Sleeper): void {
    sleeper.failures = 0;
    sleeper.startedAtMs = this.#options.clock.monotonicMs();
    this.#askIfAsleep(sleeper);
  }

  #askIfAsleep(sleeper: Sleeper): void {
    if (this.#isClosed) return;
    const idleMs = this.#options.devices.idleMs(sleeper.device);
    // What holds something open gets its commands there.
    if (idleMs === 0) this.#forget(sleeper);
    else if (idleMs < LIMITS.wakeGraceMs) this.#askAfter(sleeper, LIMITS.wakeGraceMs - idleMs);
    else this.#run(this.#ask(sleeper));
  }

  #askAfter(sleeper: Sleeper, delayMs: number): void {
    this.#later(sleeper, delayMs, () => this.#askIfAsleep(sleeper));
  }

  async #ask(sleeper: Sleeper): Promise<void> {
    const { devices, log } = this.#options;
    const { device } = sleeper;
    sleeper.grew = false;
    try {
      const target = await devices.target(device);
      if (target === undefined) return this.#finish(sleeper);
      const lane = this.#lanes.get(target.provider);
      if (lane === undefined) {
        const why = "is not configured";
        log.info("push.refused", { device, provider: target.provider, why });
        return this.#rest(sleeper);
      }
      const outcome = await lane.wake(async () => {
        // The queue may have been read, or have grown, while this waited for its turn.
        sleeper.grew = false;
        const hint = devices.idleMs(device) === 0 ? undefined : await devices.hint(device);
        return hint && { device, token: target.token, hint };
      });
      if (outcome === "needless") return this.#finish(sleeper);
      await this.#settle(sleeper, outcome, target);
    } catch (error) {
      // A store that cannot answer says so itself.
      if (error instanceof Fault) sleeper.grew = true;
      else log.error("task.failed", { stage: "wake_up", error });
      this.#rest(sleeper);
    }
  }

  async #settle(sleeper: Sleeper, outcome: WakeOutcome, target: PushTarget): Promise<void> {
    const { devices, log, metrics } = this.#options;
    const { device } = sleeper;
    const { provider } = target;
    metrics.count("posthorn_wake_ups_total", { provider, outcome: outcome.outcome });
    switch (outcome.outcome) {
      case "sent":
        log.debug("push.sent", { device, provider });
        return this.#rest(sleeper);
      case "token_dead":
        log.info("push.token_dead", { device, provider });
        await devices.dropTarget(device, target);
        return this.#rest(sleeper);
      case "refused":
        log.info("push.refused", { device, provider, why: outcome.why });
        return this.#rest(sleeper);
      case "stopped":
        return this.#retry(sleeper, { ...outcome, provider, afterMs: LIMITS.pushStoppedMs });
      case "retry":
        return this.#retry(sleeper, { ...outcome, provider });
    }
  }

  #retry(sleeper: Sleeper, { provider, afterMs, why }: Retry): void {
    const { clock, entropy, log, metrics } = this.#options;
    const { device, startedAtMs } = sleeper;
    sleeper.failures += 1;
    const waitMs = Math.max(afterMs, backoffMs(RETRY, sleeper.failures));
    const delayMs = withJitter(waitMs, entropy.fraction());
    if (clock.monotonicMs() + delayMs - startedAtMs <= LIMITS.wakeGiveUpMs) {
      log.info("push.delayed", { device, provider, why, retryMs: delayMs });
      this.#askAfter(sleeper, delayMs);
    } else {
      metrics.count("posthorn_wake_ups_total", { provider, outcome: "gave_up" });
      log.info("push.gave_up", { device, provider, why, attempts: sleeper.failures });
      this.#rest(sleeper);
    }
  }

  /** Lets the interval pass before the device may be woken for what has come meanwhile. */
  #rest(sleeper: Sleeper): void {
    this.#later(sleeper, this.#options.wakeIntervalMs, () => this.#finish(sleeper));
  }

  #finish(sleeper: Sleeper): void {
    if (sleeper.grew) this.#start(sleeper);
    else this.#forget(sleeper);
  }

  #later(sleeper: Sleeper, delayMs: number, run: () => void): void {
    if (!this.#isClosed) sleeper.cancel = this.#options.clock.after(delayMs, run);
  }

  #forget({ device }: Sleeper): void {
    this.#sleepers.delete(device);
  }

  #run(task: Promise<void>): void {
    const running = task.finally(() => this.#running.delete(running));
    this.#running.add(running);
  }
}
