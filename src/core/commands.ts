import {
  type CommandId,
  type CommandRecord,
  type CommandRequest,
  differenceOf,
  enqueueCommand,
  isFinal,
} from "./command.ts";
import { refusalFault } from "./command-life.ts";
import type { CommandNews } from "./command-news.ts";
import { type CommandListing, readCommandPage } from "./command-page.ts";
import { unknownDevice } from "./device-fields.ts";
import type { DeviceId } from "./device-id.ts";
import { Fault } from "./faults.ts";
import type { Clock } from "./ports/clock.ts";
import type { CommandPage, CommandQueue, SentUnderKey } from "./ports/command-queue.ts";
import type { DeviceRecords } from "./ports/device-records.ts";
import type { Entropy } from "./ports/entropy.ts";
import type { StopSignal } from "./ports/stop-signal.ts";
import type { ResultWaiters } from "./result-waiters.ts";
import { Stopper } from "./stopper.ts";
import { unknownCommand, unknownKey } from "./unknown-command.ts";

/** For how long a sender waits for the end of its command, until it hangs up. */
interface Patience {
  readonly waitMs: number;
  readonly signal: StopSignal;
}

/** Commands as those see them who send them. */
export interface Commands {
  /**
   * Queues a command, waits that long for its end where `waitMs` is above 0, and resolves to it as it
   * is then. A key that was used before resolves to the command it was used for, whose end is waited
   * for all the same. `signal` aborts when the sender has hung up. Throws `device_unknown`, `command_invalid`, `command_key_taken`, `command_queue_full` or
   * `waiters_exceeded`; then nothing was queued.
   */
  send(request: CommandRequest, waitMs: number, signal: StopSignal): Promise<CommandRecord>;
  /** Throws `command_unknown`. */
  find(device: DeviceId, id: CommandId): Promise<CommandRecord>;
  /** What a sender sent under a key of its own; never sends it. Throws `command_unknown`. */
  findUnderKey(sent: SentUnderKey): Promise<CommandRecord>;
  /** Newest first. Throws `device_unknown`, or `command_unknown` of the one to go on behind. */
  list(page: CommandPage): Promise<CommandListing>;
  /** Throws `command_unknown`, or why it can no longer be canceled. */
  cancel(device: DeviceId, id: CommandId): Promise<CommandRecord>;
}

export interface CommandsOptions {
  readonly queue: CommandQueue;
  readonly devices: Pick<DeviceRecords, "device">;
  readonly results: ResultWaiters;
  readonly news: Pick<CommandNews, "changed">;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

export function createCommands(options: CommandsOptions): Commands {
  return new Sending(options);
}

class Sending implements Commands {
  readonly #options: CommandsOptions;

  constructor(options: CommandsOptions) {
    this.#options = options;
  }

  async send(request: CommandRequest, waitMs: number, signal: StopSignal): Promise<CommandRecord> {
    const { clock, entropy } = this.#options;
    const id = entropy.uuid() as CommandId;
    const command = enqueueCommand(request, { id, nowMs: clock.nowMs() });
    if (waitMs <= 0) return this.#enqueue(command, request);
    const untilMs = clock.monotonicMs() + waitMs;
    const queued = await this.#enqueueAndWait(command, request, { waitMs, signal });
    if (queued.id === id || isFinal(queued.status)) return queued;
    return this.#waitForEnd(queued, { waitMs: untilMs - clock.monotonicMs(), signal });
  }

  async find(device: DeviceId, id: CommandId): Promise<CommandRecord> {
    const command = await this.#options.queue.command(device, id);
    if (command === undefined) throw unknownCommand(id);
    return command;
  }

  async findUnderKey(sent: SentUnderKey): Promise<CommandRecord> {
    const command = await this.#options.queue.commandUnderKey(sent);
    if (command === undefined) throw unknownKey(sent.key);
    return command;
  }

  async list(page: CommandPage): Promise<CommandListing> {
    const { queue, devices } = this.#options;
    if ((await devices.device(page.device)) === undefined) throw unknownDevice(page.device);
    return readCommandPage(queue, page);
  }

  async cancel(device: DeviceId, id: CommandId): Promise<CommandRecord> {
    const { queue, news, clock } = this.#options;
    const outcome = await queue.moveCommand(device, id, { kind: "cancel", nowMs: clock.nowMs() });
    if (outcome === undefined) throw unknownCommand(id);
    if ("refused" in outcome) throw refusalFault(outcome);
    if ("unchanged" in outcome) return outcome.unchanged;
    news.changed(outcome.changed);
    return outcome.changed;
  }

  /** Resolves to the command at its end, or as it is when the time is up; an earlier one at once. */
  async #enqueueAndWait(
    command: CommandRecord,
    request: CommandRequest,
    { waitMs, signal }: Patience,
  ): Promise<CommandRecord> {
    const stop = new Stopper(signal);
    try {
      // First the wait, then the queue: an end in between would not be told.
      const ended = this.#options.results.wait(command.id, waitMs, stop);
      // What cannot be waited for is refused by now, before it is queued.
      await Promise.race([ended, undefined]);
      const queued = await this.#enqueue(command, request);
      if (queued.id !== command.id) return queued;
      const outcome = await ended;
      return typeof outcome === "string" ? this.find(command.device, command.id) : outcome;
    } finally {
      stop.abort();
    }
  }

  async #waitForEnd(
    { device, id }: CommandRecord,
    { waitMs, signal }: Patience,
  ): Promise<CommandRecord> {
    const stop = new Stopper(signal);
    try {
      const ended = this.#options.results.wait(id, waitMs, stop);
      // Its end may have come before there was anyone to be told.
      const [current] = await Promise.all([
        this.find(device, id),
        Promise.race([ended, undefined]),
      ]);
      if (isFinal(current.status)) return current;
      const outcome = await ended;
      return typeof outcome === "string" ? this.find(device, id) : outcome;
    } finally {
      stop.abort();
    }
  }

  async #enqueue(command: CommandRecord, request: CommandRequest): Promise<CommandRecord> {
    const { queue, news } = this.#options;
    const outcome = await queue.addCommand(command);
    if ("added" in outcome) {
      news.changed(outcome.added);
      return outcome.added;
    }
    if ("unknown" in outcome) throw unknownDevice(command.device);
    if ("full" in outcome) {
      const detail = `${outcome.full} commands of device "${command.device}" have no end yet`;
      throw new Fault("command_queue_full", { detail });
    }
    const difference = differenceOf(outcome.existing, request);
    if (difference === undefined) return outcome.existing;
    const detail = `the key ${JSON.stringify(command.key)} was used for another command, which has another ${difference}`;
    throw new Fault("command_key_taken", { detail });
  }
}
