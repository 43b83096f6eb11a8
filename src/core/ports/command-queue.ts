import type { CommandId, CommandRecord, CommandSender } from "../command.ts";
import type { CommandInput, CommandOutcome, CommandTick } from "../command-life.ts";
import type { DeviceId } from "../device-id.ts";

/** What became of a new command. */
export type Enqueued =
  | { readonly added: CommandRecord }
  /** The sender's key was used before: this one answers for both, or refuses (see `differenceOf`). */
  | { readonly existing: CommandRecord }
  /** There is no such device. */
  | { readonly unknown: true }
  /** As many commands of the device as may are open already. */
  | { readonly full: number };

/** Which command a sender means by a key of its own. */
export interface SentUnderKey {
  readonly device: DeviceId;
  readonly sender: CommandSender;
  readonly key: string;
}

export interface LeaseRequest {
  readonly device: DeviceId;
  /** The poll, stream or socket that gets them. */
  readonly receiver: string;
  readonly max: number;
  readonly leaseMs: number;
  readonly nowMs: number;
}

/** Commands that are queued for one device. */
export interface WaitingCommands {
  /** At least 1. */
  readonly count: number;
  /** The one that is leased next. */
  readonly first: CommandId;
}

export interface CommandPage {
  readonly device: DeviceId;
  /** Only what came before this one; newest first. */
  readonly before?: CommandId;
  readonly limit: number;
}

/**
 * Keeps the commands of devices through their lives.
 *
 * Every change of a command and the publication on its device's channel that tells of it
 * (`commandEvent`) are one transaction: either both are durable or neither is, and `deliver`
 * is called for the publication before the promise resolves, as for any append. A command is leased
 * to one receiver at a time, by priority and then in the order in which commands were added.
 */
export interface CommandQueue {
  addCommand(command: CommandRecord): Promise<Enqueued>;
  leaseCommands(request: LeaseRequest): Promise<readonly CommandRecord[]>;
  /** Resolves to undefined when the device has no such command. */
  moveCommand(
    device: DeviceId,
    id: CommandId,
    input: CommandInput,
  ): Promise<CommandOutcome | undefined>;
  command(device: DeviceId, id: CommandId): Promise<CommandRecord | undefined>;
  /** What `addCommand` would answer as `existing`. */
  commandUnderKey(sent: SentUnderKey): Promise<CommandRecord | undefined>;
  /** Resolves to undefined when the device has no command `before`. */
  commands(page: CommandPage): Promise<readonly CommandRecord[] | undefined>;
  /** What this receiver got and nobody has acknowledged yet, at most `LIMITS.commandsPerFetch`. */
  commandsLeasedTo(device: DeviceId, receiver: string): Promise<readonly CommandRecord[]>;
  /** What could be leased for the device; undefined when nothing could. */
  waitingCommands(device: DeviceId): Promise<WaitingCommands | undefined>;
  /** Devices for which something could be leased, in order of id. */
  devicesWaitedFor(page: {
    readonly after?: DeviceId;
    readonly limit: number;
  }): Promise<readonly DeviceId[]>;
  /** Open commands of the device: queued, leased or acked. */
  openCommands(device: DeviceId): Promise<number>;
  /**
   * Does what time alone demands (`dueAtMs`), and shortens leases and waits for results that the clock
   * has left in the far future (`latestDeadlines`), a bounded number at a time; resolves to what changed
   * and was told.
   */
  tickCommands(tick: CommandTick): Promise<readonly CommandRecord[]>;
}
