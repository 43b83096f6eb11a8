import { detach } from "./detach.ts";
import type { DeviceId } from "./device-id.ts";
import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import type { Cancel, Clock } from "./ports/clock.ts";
import type { DeviceRecord, DeviceRecords, Sighting } from "./ports/device-records.ts";
import type { Log } from "./ports/log.ts";

/** How a device came. */
export interface Seen {
  readonly address: string;
  readonly appVersion?: string | undefined;
}

/**
 * Remembers when devices were seen and writes it down from time to time, many at once: a post must
 * not cost a second write. A store that fails is asked again the next time. Disposing writes down
 * what is left; only a crash loses it.
 *
 * Who holds something open is there all the time and says nothing, so that is written down now and
 * then, and when it ends.
 */
export interface DeviceSightings extends AsyncDisposable {
  /**
   * Returns at once. A device that this process sees for the first time is written down without
   * delay, for that ends a fresh enrollment.
   */
  saw(device: DeviceId, seen: Seen): void;
  /**
   * To be called after `saw`, for as long as the device holds a poll, a stream or a socket. Call what
   * this returns when it ends; twice is harmless.
   */
  hold(device: DeviceId): () => void;
  /** The same record with what is known here and is newer. */
  lastSeen<Known extends Pick<DeviceRecord, "id" | "sighting">>(device: Known): Known;
  /**
   * To be called when the device was enrolled anew or removed: what was seen of it so far says
   * nothing about the one that comes next.
   */
  forget(device: DeviceId): void;
}

export interface DeviceSightingsOptions {
  readonly records: Pick<DeviceRecords, "noteSightings">;
  readonly clock: Clock;
  readonly log: Log;
}

export function createDeviceSightings(options: DeviceSightingsOptions): DeviceSightings {
  return new Sightings(options);
}

/** In one write, so that others wait for it no longer than for any batch. */
const SIGHTINGS_PER_WRITE = LIMITS.writesPerBatch;

class Sightings implements DeviceSightings {
  readonly #options: DeviceSightingsOptions;
  readonly #timers: readonly Cancel[];
  /** How each device came last that this process has seen. */
  readonly #met = new Map<DeviceId, Seen>();
  /** How much each device holds that holds something. */
  readonly #held = new Map<DeviceId, number>();
  /** To be written down. */
  #waiting = new Map<DeviceId, Sighting>();
  /** Being written down. */
  #leaving = new Map<DeviceId, Sighting>();
  #running: Promise<void> | undefined;
  #isUrgent = false;

  constructor(options: DeviceSightingsOptions) {
    this.#options = options;
    const { clock } = options;
    this.#timers = [
      clock.every(LIMITS.sightingsFlushMs, () => this.#flush()),
      clock.every(LIMITS.heldSightingsMs, () => this.#noteHeld()),
    ];
  }

  saw(device: DeviceId, { address, appVersion = this.#known(device)?.appVersion }: Seen): void {
    const isNew = !this.#met.has(device);
    this.#met.set(device, { address, ...(appVersion !== undefined && { appVersion }) });
    forgetOldest(this.#met);
    this.#note(device);
    if (!isNew) return;
    this.#isUrgent = true;
    this.#flush();
  }

  hold(device: DeviceId): () => void {
    this.#held.set(device, (this.#held.get(device) ?? 0) + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#note(device);
      const left = (this.#held.get(device) ?? 1) - 1;
      if (left === 0) this.#held.delete(device);
      else this.#held.set(device, left);
    };
  }

  lastSeen<Known extends Pick<DeviceRecord, "id" | "sighting">>(device: Known): Known {
    const { sighting } = device;
    const seen = this.#held.has(device.id) ? this.#met.get(device.id) : undefined;
    if (seen !== undefined) {
      return { ...device, sighting: { ...sighting, ...seen, seenAtMs: this.#nowMs } };
    }
    const known = this.#known(device.id);
    if (known === undefined || (sighting?.seenAtMs ?? 0) > known.seenAtMs) return device;
    return { ...device, sighting: { ...sighting, ...known } };
  }

  forget(device: DeviceId): void {
    this.#met.delete(device);
    this.#waiting.delete(device);
    this.#leaving.delete(device);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cancel of this.#timers) cancel();
    this.#noteHeld();
    await this.#running;
    await this.#writeDown();
  }

  get #nowMs(): number {
    return this.#options.clock.nowMs();
  }

  /** It is there now, as it came last. Of one that was forgotten nothing is known. */
  #note(device: DeviceId): void {
    const seen = this.#met.get(device);
    if (seen === undefined) return;
    this.#waiting.set(device, { seenAtMs: this.#nowMs, ...seen });
    forgetOldest(this.#waiting);
  }

  #noteHeld(): void {
    for (const device of this.#held.keys()) this.#note(device);
  }

  #known(device: DeviceId): Sighting | undefined {
    return this.#waiting.get(device) ?? this.#leaving.get(device);
  }

  /** One at a time: what comes meanwhile goes with the next one. */
  #flush(): void {
    if (this.#running !== undefined || this.#waiting.size === 0) return;
    const running = this.#writeDown().finally(() => {
      this.#running = undefined;
    });
    this.#running = running;
    detach(this.#options.log, "device.sightings", () => running);
  }

  async #writeDown(): Promise<void> {
    const { records, log } = this.#options;
    do {
      this.#isUrgent = false;
      this.#leaving = this.#waiting;
      this.#waiting = new Map();
      try {
        while (this.#leaving.size > 0) {
          const some = new Map(this.#leaving.entries().take(SIGHTINGS_PER_WRITE));
          await records.noteSightings(some);
          for (const device of some.keys()) this.#leaving.delete(device);
        }
      } catch (error) {
        this.#takeBack();
        // A store that cannot work says so itself.
        if (!(error instanceof Fault)) log.error("task.failed", { stage: "sightings", error });
        return;
      }
    } while (this.#isUrgent);
  }

  #takeBack(): void {
    this.#waiting = new Map([...this.#leaving, ...this.#waiting]);
    this.#leaving = new Map();
    forgetOldest(this.#waiting);
  }
}

/** Of more devices than there can be the ones are forgotten that were met first. */
function forgetOldest(devices: Map<DeviceId, unknown>): void {
  for (const oldest of devices.keys()) {
    if (devices.size <= LIMITS.devicesMax) return;
    devices.delete(oldest);
  }
}
