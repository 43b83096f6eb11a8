import type { DeviceId } from "./device-id.ts";
import { Fault } from "./faults.ts";
import { type GivenUp, type Holding, holdUntil } from "./hold-until.ts";
import type { Clock } from "./ports/clock.ts";
import type { StopSignal } from "./ports/stop-signal.ts";

export type WaitOutcome = "woken" | GivenUp;

/** Why a waiter was let go: the server drains, newer ones need its place, or its device may not be here any more. */
export type ReleaseReason = "draining" | "replaced" | "dismissed";

/**
 * One poll, stream or socket that fetches the commands of its device: it joins, leases what is
 * queued, waits until it is woken, leases again, and so on until it leaves, which it MUST do.
 *
 * Joining comes before the first lease: a command that is queued while a lease is under way then
 * finds somebody, whose next `wait` ends at once.
 */
export interface CommandWaiter {
  /** One wait at a time. After "timeout" or "released" it has left, and joins anew with the next wait. */
  wait(timeoutMs: number, signal?: StopSignal): Promise<WaitOutcome>;
  /** Absent: it was not let go, or went by itself. */
  readonly releasedBy: ReleaseReason | undefined;
  /**
   * Ends it all; twice is harmless. A wake that it did not use goes to another waiter of the device.
   * Returns false when there is none: whoever counted on the wake has to reach the device otherwise.
   */
  leave(): boolean;
}

/** Who waits for the commands of which device. */
export interface CommandWaiters {
  /**
   * Where the device has as many as it may the oldest is let go, which is likelier to be held for a
   * dead connection than not; `onReplaced` is then told, within the call. Throws `waiters_exceeded`
   * when there are too many of all devices.
   */
  join(device: DeviceId, onReplaced?: () => void): CommandWaiter;
  /**
   * To be called after a command became leasable. Wakes one waiter of the device, for one is enough:
   * the newest, since an older one is likelier to be held for a connection that is dead already.
   * Returns false when nobody waits.
   */
  wake(device: DeviceId): boolean;
  /** To be called after something changed that concerns everyone who waits for the device. */
  wakeAll(device: DeviceId): void;
  /** Ends the waits of a device that may not be here any more, those that are busy at their next. */
  release(device: DeviceId): void;
  /** Ends every wait, and from now on each at once: the server drains. */
  releaseAll(): void;
  /** Those that joined and have not left. */
  readonly count: number;
}

export interface CommandWaitersOptions {
  readonly clock: Clock;
  readonly limits: {
    readonly commandWaitersPerDevice: number;
    readonly commandWaitersMax: number;
  };
}

export function createCommandWaiters(options: CommandWaitersOptions): CommandWaiters {
  return new Registry(options);
}

class Registry implements CommandWaiters {
  readonly clock: Clock;
  readonly #limits: CommandWaitersOptions["limits"];
  /** Those of one device in the order in which they joined. */
  readonly #byDevice = new Map<DeviceId, Set<Waiter>>();
  #count = 0;
  #isDraining = false;

  constructor({ clock, limits }: CommandWaitersOptions) {
    this.clock = clock;
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  join(device: DeviceId, onReplaced?: () => void): CommandWaiter {
    const waiter = new Waiter(this, device, onReplaced);
    if (!this.#isDraining) this.enter(waiter);
    return waiter;
  }

  wake(device: DeviceId): boolean {
    const waiters = [...(this.#byDevice.get(device) ?? [])];
    const chosen = waiters.findLast((waiter) => waiter.isWaiting) ?? waiters.at(-1);
    chosen?.wake();
    return chosen !== undefined;
  }

  wakeAll(device: DeviceId): void {
    for (const waiter of [...(this.#byDevice.get(device) ?? [])]) waiter.wake();
  }

  release(device: DeviceId): void {
    for (const waiter of [...(this.#byDevice.get(device) ?? [])]) waiter.release("dismissed");
  }

  releaseAll(): void {
    this.#isDraining = true;
    const waiters = [...this.#byDevice.values()].flatMap((ofOne) => [...ofOne]);
    for (const waiter of waiters) waiter.release("draining");
  }

  enter(waiter: Waiter): void {
    if (this.#byDevice.get(waiter.device)?.has(waiter)) return;
    this.#makeRoom(waiter.device);
    const waiters = this.#byDevice.get(waiter.device) ?? new Set();
    this.#byDevice.set(waiter.device, waiters.add(waiter));
    this.#count += 1;
  }

  exit(waiter: Waiter): void {
    const waiters = this.#byDevice.get(waiter.device);
    if (!waiters?.delete(waiter)) return;
    this.#count -= 1;
    if (waiters.size === 0) this.#byDevice.delete(waiter.device);
  }

  #makeRoom(device: DeviceId): void {
    const { commandWaitersPerDevice, commandWaitersMax } = this.#limits;
    const [oldest, ...others] = this.#byDevice.get(device) ?? [];
    if (others.length + 1 >= commandWaitersPerDevice) oldest?.release("replaced");
    if (this.#count < commandWaitersMax) return;
    const detail = `${this.#count} requests wait for commands, at most ${commandWaitersMax} may`;
    throw new Fault("waiters_exceeded", { detail });
  }
}

class Waiter implements CommandWaiter {
  readonly device: DeviceId;
  readonly #registry: Registry;
  readonly #onReplaced: (() => void) | undefined;
  #holding: Holding<"woken"> | undefined;
  #releasedBy: ReleaseReason | undefined;
  /** Woken while it did not wait. */
  #isWoken = false;
  #hasLeft = false;

  constructor(registry: Registry, device: DeviceId, onReplaced?: () => void) {
    this.#registry = registry;
    this.device = device;
    this.#onReplaced = onReplaced;
  }

  get releasedBy(): ReleaseReason | undefined {
    return this.#releasedBy ?? (this.#registry.isDraining ? "draining" : undefined);
  }

  get isWaiting(): boolean {
    return this.#holding !== undefined;
  }

  async wait(timeoutMs: number, signal?: StopSignal): Promise<WaitOutcome> {
    if (this.isWaiting) throw new Error("Cannot wait twice at a time");
    if (this.#hasLeft || this.releasedBy !== undefined || signal?.aborted) {
      this.#registry.exit(this);
      return "released";
    }
    this.#registry.enter(this);
    if (this.#isWoken) {
      this.#isWoken = false;
      return "woken";
    }
    const holding = holdUntil<"woken">(this.#registry.clock, { timeoutMs, signal }, (outcome) => {
      this.#holding = undefined;
      // At once: who has given up must not be chosen by the next wake.
      if (outcome !== "woken") this.#registry.exit(this);
    });
    this.#holding = holding;
    return holding.ended;
  }

  wake(): void {
    if (this.#holding === undefined) this.#isWoken = true;
    else this.#holding.end("woken");
  }

  release(why: ReleaseReason): void {
    this.#releasedBy ??= why;
    this.#end();
    if (why === "replaced") this.#onReplaced?.();
  }

  leave(): boolean {
    this.#hasLeft = true;
    this.#end();
    const isWoken = this.#isWoken;
    this.#isWoken = false;
    return !isWoken || this.#registry.wake(this.device);
  }

  #end(): void {
    this.#holding?.end("released");
    this.#registry.exit(this);
  }
}
