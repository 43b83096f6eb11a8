import { backoffMs } from "./backoff.ts";
import { detach } from "./detach.ts";
import type { DeviceId } from "./device-id.ts";
import type { Cancel, Clock } from "./ports/clock.ts";
import type { Log } from "./ports/log.ts";
import type { PresenceChange } from "./presence-event.ts";

/**
 * Stores one transition, publishes it and puts it in the outbox, all or nothing. A device that is on
 * record as online MUST NOT get online again, likewise for offline: then nothing is to be done, so
 * that a try whose outcome is unknown can be repeated. With an unknown device nothing is to be done
 * either.
 */
export type StorePresence = (change: PresenceChange) => Promise<unknown>;

/** Brings transitions to the store, also while that has trouble. */
export interface PresenceAnnouncer {
  /**
   * Transitions of one device are stored in order, one at a time. What comes while the store is
   * behind replaces what waits, so that nothing is told of a device that is back where it was.
   */
  announce(change: PresenceChange): void;
  /** Nothing more is to be told of the device. */
  forget(device: DeviceId): void;
  /** Forgets what waits and resolves when what is being stored has ended. */
  stop(): Promise<void>;
}

export interface PresenceAnnouncerOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: StorePresence;
  readonly limits: PresenceLimits;
}

export interface PresenceLimits {
  readonly presenceStoresAtATime: number;
  /** Of an offline transition; an online one is tried as long as the device is online. */
  readonly presenceRetriesMax: number;
  readonly presenceRetryMs: number;
  readonly presenceRetryMaxMs: number;
}

export function createPresenceAnnouncer(options: PresenceAnnouncerOptions): PresenceAnnouncer {
  return new Announcer(options);
}

/** What is to be told of one device. */
interface Job {
  wanted: PresenceChange;
  failures: number;
  cancelRetry?: Cancel;
}

class Announcer implements PresenceAnnouncer {
  readonly #options: PresenceAnnouncerOptions;
  readonly #jobs = new Map<DeviceId, Job>();
  /** Those whose turn it is, the oldest first. */
  readonly #ready = new Set<Job>();
  readonly #running = new Set<Promise<void>>();
  #isStopped = false;

  constructor(options: PresenceAnnouncerOptions) {
    this.#options = options;
  }

  announce(change: PresenceChange): void {
    if (this.#isStopped) return;
    const known = this.#jobs.get(change.device);
    if (known !== undefined) {
      known.wanted = change;
      return;
    }
    const job: Job = { wanted: change, failures: 0 };
    this.#jobs.set(change.device, job);
    this.#enqueue(job);
  }

  forget(device: DeviceId): void {
    const job = this.#jobs.get(device);
    if (job === undefined) return;
    job.cancelRetry?.();
    this.#ready.delete(job);
    this.#jobs.delete(device);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const device of [...this.#jobs.keys()]) this.forget(device);
    await Promise.all(this.#running);
  }

  #enqueue(job: Job): void {
    this.#ready.add(job);
    this.#startSome();
  }

  #startSome(): void {
    const { log, limits } = this.#options;
    for (const job of this.#ready) {
      if (this.#running.size >= limits.presenceStoresAtATime) return;
      this.#ready.delete(job);
      const run = this.#store(job).finally(() => {
        this.#running.delete(run);
        this.#startSome();
      });
      this.#running.add(run);
      detach(log, "presence.store", () => run);
    }
  }

  async #store(job: Job): Promise<void> {
    const change = job.wanted;
    try {
      await this.#options.store(change);
    } catch (error) {
      this.#failed(job, error);
      return;
    }
    job.failures = 0;
    if (this.#jobs.get(change.device) !== job) return;
    if (job.wanted.online === change.online) this.#jobs.delete(change.device);
    else this.#ready.add(job);
  }

  #failed(job: Job, error: unknown): void {
    const { clock, log, limits } = this.#options;
    const { device, online } = job.wanted;
    job.failures += 1;
    const isOver = !online && job.failures > limits.presenceRetriesMax;
    if (isOver) this.#jobs.delete(device);
    const fields = { device, online, failures: job.failures, error };
    if (this.#jobs.get(device) !== job) {
      log.error("presence.failed", fields);
      return;
    }
    // Only the first time: the store says itself what is wrong with it.
    if (job.failures === 1) log.warn("presence.failed", fields);
    const { presenceRetryMs: firstMs, presenceRetryMaxMs: maxMs } = limits;
    const pauseMs = backoffMs({ firstMs, factor: 2, maxMs }, job.failures);
    job.cancelRetry = clock.after(pauseMs, () => this.#enqueue(job));
  }
}
