import type { DeviceId } from "./device-id.ts";
import type { Cancel, Clock } from "./ports/clock.ts";
import {
  createPresenceAnnouncer,
  type PresenceAnnouncer,
  type PresenceAnnouncerOptions,
} from "./presence-announcer.ts";
import type { PresenceReason } from "./presence-event.ts";

/** A device that was on record as online when the server started. */
export interface RememberedDevice {
  readonly device: DeviceId;
  /** When it was last heard of. Absent: unknown. */
  readonly seenAtMs?: number | undefined;
}

/**
 * Knows which devices are online: those that hold a poll, a stream or a socket, and those that
 * posted within the ttl. A device is offline when neither was so for the whole grace, so that a gap
 * between two polls is no transition. Remembers only devices that are online or in their grace.
 */
export interface DevicePresence {
  /** For as long as a poll, stream or socket is open. Call what this returns when it ends; twice is harmless. */
  hold(device: DeviceId): () => void;
  /** For every other request of the device, also a poll that is answered at once. */
  posted(device: DeviceId): void;
  /**
   * To be called at the start, with every device on record as online, perhaps some at a time. One that
   * does not come back is announced as offline, after what is left of its ttl, but at least `returnMs`,
   * and the grace: one that held something may have said nothing for long.
   */
  resume(devices: Iterable<RememberedDevice>): void;
  /** The device was removed: nothing is announced about it any more. */
  forget(device: DeviceId): void;
  /** From now on nothing is announced. Resolves when what is being stored has ended. */
  stop(): Promise<void>;
  /**
   * For how long the device has held nothing: 0 while it does, and at least 1 from then on. Infinity
   * when it has not since it came online, and of a device that is offline. After `stop` always 0:
   * what held something may just have been sent away.
   */
  idleMs(device: DeviceId): number;
  /** Devices that count as online. */
  readonly count: number;
}

export interface DevicePresenceOptions extends PresenceAnnouncerOptions {
  /** These two are read for each sign and each gap: they may change. */
  readonly onlineTtlMs: number;
  readonly offlineGraceMs: number;
  /** How long devices may take to find the server again after it was started anew. */
  readonly returnMs: number;
}

export function createDevicePresence(options: DevicePresenceOptions): DevicePresence {
  return new Tracker(options);
}

/** A device that is online or in its grace. */
interface Entry {
  readonly device: DeviceId;
  /** Polls, streams and sockets it has open. */
  holds: number;
  /** When it held something last, by the monotonic clock. Absent: it has not. */
  heldAtMs?: number;
  /** Until when the last sign of it lasts, by the monotonic clock; never goes back. */
  signUntilMs: number;
  /** Why it will be offline if no other sign comes. */
  offlineReason: PresenceReason;
  timer?: Cancel | undefined;
}

class Tracker implements DevicePresence {
  readonly #clock: Clock;
  readonly #options: DevicePresenceOptions;
  readonly #announcer: PresenceAnnouncer;
  readonly #entries = new Map<DeviceId, Entry>();
  #isStopped = false;

  constructor(options: DevicePresenceOptions) {
    this.#clock = options.clock;
    this.#options = options;
    this.#announcer = createPresenceAnnouncer(options);
  }

  get count(): number {
    return this.#entries.size;
  }

  hold(device: DeviceId): () => void {
    if (this.#isStopped) return () => undefined;
    const entry = this.#appear(device, "held");
    entry.holds += 1;
    let isHeld = true;
    return () => {
      if (isHeld) this.#release(entry);
      isHeld = false;
    };
  }

  posted(device: DeviceId): void {
    if (this.#isStopped) return;
    const entry = this.#appear(device, "posted");
    extend(entry, this.#clock.monotonicMs() + this.#options.onlineTtlMs, "silent");
    this.#watch(entry);
  }

  resume(devices: Iterable<RememberedDevice>): void {
    const { onlineTtlMs, returnMs } = this.#options;
    for (const { device, seenAtMs = 0 } of devices) {
      if (this.#isStopped || this.#entries.has(device)) continue;
      // At most the ttl: the machine's clock may have been set back meanwhile.
      const leftMs = Math.min(seenAtMs - this.#clock.nowMs(), 0) + onlineTtlMs;
      const entry = this.#enter(device, "restarted");
      const signMs = Math.max(leftMs, returnMs);
      extend(entry, this.#clock.monotonicMs() + signMs, "restarted");
      this.#watch(entry);
    }
  }

  idleMs(device: DeviceId): number {
    if (this.#isStopped) return 0;
    const entry = this.#entries.get(device);
    if (entry === undefined) return Number.POSITIVE_INFINITY;
    if (entry.holds > 0) return 0;
    const { heldAtMs = Number.NEGATIVE_INFINITY } = entry;
    return Math.max(1, this.#clock.monotonicMs() - heldAtMs);
  }

  forget(device: DeviceId): void {
    this.#entries.get(device)?.timer?.();
    this.#entries.delete(device);
    this.#announcer.forget(device);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { timer } of this.#entries.values()) timer?.();
    this.#entries.clear();
    await this.#announcer.stop();
  }

  #appear(device: DeviceId, reason: PresenceReason): Entry {
    const known = this.#entries.get(device);
    if (known !== undefined) return known;
    this.#announce(device, true, reason);
    return this.#enter(device, "silent");
  }

  #enter(device: DeviceId, offlineReason: PresenceReason): Entry {
    const signUntilMs = this.#clock.monotonicMs();
    const entry: Entry = { device, holds: 0, signUntilMs, offlineReason };
    this.#entries.set(device, entry);
    return entry;
  }

  #release(entry: Entry): void {
    entry.holds -= 1;
    // Forgotten meanwhile, or all is over.
    if (entry.holds > 0 || this.#entries.get(entry.device) !== entry) return;
    entry.heldAtMs = this.#clock.monotonicMs();
    extend(entry, entry.heldAtMs, "released");
    this.#watch(entry);
  }

  /** One timer per device, which does not move with each sign: it looks again when it was early. */
  #watch(entry: Entry): void {
    if (entry.timer !== undefined || entry.holds > 0) return;
    const leftMs = entry.signUntilMs + this.#options.offlineGraceMs - this.#clock.monotonicMs();
    entry.timer = this.#clock.after(Math.max(0, leftMs), () => {
      entry.timer = undefined;
      if (entry.holds > 0) return;
      if (this.#clock.monotonicMs() < entry.signUntilMs + this.#options.offlineGraceMs) {
        this.#watch(entry);
        return;
      }
      this.#entries.delete(entry.device);
      this.#announce(entry.device, false, entry.offlineReason);
    });
  }

  #announce(device: DeviceId, online: boolean, reason: PresenceReason): void {
    this.#announcer.announce({ device, online, atMs: this.#clock.nowMs(), reason });
  }
}

/** A sign that ends before an earlier one does changes nothing. */
function extend(entry: Entry, untilMs: number, offlineReason: PresenceReason): void {
  if (untilMs < entry.signUntilMs) return;
  entry.signUntilMs = untilMs;
  entry.offlineReason = offlineReason;
}
