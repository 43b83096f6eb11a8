import type { CommandRecord } from "./command.ts";
import {
  CommandReceiver,
  type ReceiverEnd,
  type ReceiverOptions,
  type ReceiverSink,
} from "./command-receiver.ts";
import { detach } from "./detach.ts";
import { type Admission, watchStanding } from "./device-admission.ts";
import type { DeviceId } from "./device-id.ts";
import type { DevicePresence } from "./device-presence.ts";
import { Fault } from "./faults.ts";
import type { Log } from "./ports/log.ts";

/** An open stream or socket, as its connection sees it. */
export interface OpenReceiver {
  /** The sink takes more again. */
  resume(): void;
  /** The connection is gone, or ends. Twice is harmless. */
  close(): void;
}

/** The streams and sockets by which devices get their commands. */
export interface CommandReceivers {
  /**
   * Delivers to the sink from now on until it is closed or was told to end, and not before this has
   * returned. The device counts as online meanwhile, and is dismissed when it would not be let in any
   * more. Throws `waiters_exceeded`.
   */
  open(admission: Admission, sink: ReceiverSink): OpenReceiver;
  /** The device has acknowledged it, or told its result. */
  answered(command: CommandRecord): void;
  /** It came to the end of a lease, or to an end of its own, without that. */
  lapsed(command: CommandRecord): void;
  /** Ends those of a device that may not be here any more, and its polls, which get nothing any more. */
  dismiss(device: DeviceId): void;
  /** The server drains: ends them all. */
  releaseAll(): void;
}

export interface CommandReceiversOptions extends Omit<ReceiverOptions, "onReplaced"> {
  readonly presence: Pick<DevicePresence, "hold">;
  /** Wakes the device if it sleeps. */
  readonly queueGrew: (device: DeviceId) => void;
  /** Another process has removed the device. MUST NOT throw. */
  readonly deviceGone: (device: DeviceId) => void;
  readonly log: Log;
}

export function createCommandReceivers(options: CommandReceiversOptions): CommandReceivers {
  return new Receivers(options);
}

/** What is open, and what has to be undone when it ends. */
interface Open {
  readonly device: DeviceId;
  readonly sink: ReceiverSink;
  readonly release: () => void;
}

class Receivers implements CommandReceivers {
  readonly #options: CommandReceiversOptions;
  readonly #open = new Map<CommandReceiver, Open>();
  readonly #byDevice = new Map<DeviceId, Set<CommandReceiver>>();

  constructor(options: CommandReceiversOptions) {
    this.#options = options;
  }

  open(admission: Admission, sink: ReceiverSink): OpenReceiver {
    const { presence, log } = this.#options;
    const { id: device } = admission;
    const receiver: CommandReceiver = new CommandReceiver(device, sink, {
      ...this.#options,
      onReplaced: () => this.#end(receiver, "replaced"),
    });
    const unhold = presence.hold(device);
    const unwatch = this.#watch(admission, receiver);
    const release = (): void => {
      unwatch();
      unhold();
    };
    this.#open.set(receiver, { device, sink, release });
    this.#byDevice.set(device, (this.#byDevice.get(device) ?? new Set()).add(receiver));
    detach(log, "commands.receive", () => this.#run(receiver));
    return { resume: () => receiver.resume(), close: () => this.#close(receiver) };
  }

  answered(command: CommandRecord): void {
    for (const receiver of this.#of(command.device)) receiver.answered(command);
  }

  lapsed(command: CommandRecord): void {
    for (const receiver of this.#of(command.device)) {
      if (!receiver.lapsed(command)) this.#end(receiver, "unanswered");
    }
  }

  dismiss(device: DeviceId): void {
    for (const receiver of this.#of(device)) this.#end(receiver, "dismissed");
    this.#options.waiters.release(device);
  }

  releaseAll(): void {
    for (const receiver of [...this.#open.keys()]) receiver.release();
  }

  async #run(receiver: CommandReceiver): Promise<void> {
    // The caller has to know the receiver before its sink hears of it.
    await Promise.resolve();
    try {
      const why = await receiver.run();
      if (why !== "closed") this.#end(receiver, why);
    } catch (error) {
      this.#end(receiver, "failed");
      // A store that cannot answer says so itself.
      if (!(error instanceof Fault)) throw error;
    }
  }

  #watch(admission: Admission, receiver: CommandReceiver) {
    return watchStanding(admission, {
      ...this.#options,
      onEnd: (standing) => {
        if (standing === "revoked") return this.#end(receiver, "dismissed");
        this.dismiss(admission.id);
        this.#options.deviceGone(admission.id);
      },
    });
  }

  /** At once, not when the connection is gone: until then nothing must be meant for it. */
  #end(receiver: CommandReceiver, why: ReceiverEnd): void {
    const open = this.#open.get(receiver);
    this.#close(receiver);
    open?.sink.end(why);
  }

  #close(receiver: CommandReceiver): void {
    const open = this.#open.get(receiver);
    if (open === undefined) return;
    const { device, release } = open;
    this.#open.delete(receiver);
    const ofDevice = this.#byDevice.get(device);
    ofDevice?.delete(receiver);
    if (ofDevice?.size === 0) this.#byDevice.delete(device);
    const isTold = receiver.close();
    release();
    if (!isTold) this.#options.queueGrew(device);
  }

  #of(device: DeviceId): readonly CommandReceiver[] {
    return [...(this.#byDevice.get(device) ?? [])];
  }
}
