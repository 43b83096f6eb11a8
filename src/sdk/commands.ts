import { type CommandFailure, closedFailure, whyUnsendable } from "./command-failure.ts";
import { readTimes } from "./command-times.ts";
import type { DeviceChannel } from "./device-channel.ts";
import { PendingCommand } from "./pending-command.ts";
import type { CommandOptions } from "./posthorn.d.ts";
import type { CommandOnWire } from "./read-change.ts";
import type { Session } from "./session.ts";

/**
 * Sends commands and waits for their ends. Each has a key of its own, so that one whose sending was
 * interrupted is sent again and is still the same command; its end is heard on the device's channel, and
 * asked for where that cannot be heard.
 */
export class Commands {
  private readonly session: Session;
  private readonly channel: DeviceChannel;
  private readonly device: string;
  private readonly pending = new Set<PendingCommand>();

  constructor(session: Session, channel: DeviceChannel, device: string) {
    this.session = session;
    this.channel = channel;
    this.device = device;
  }

  async send(type: string, data: unknown, options: CommandOptions): Promise<unknown> {
    const { session, channel, device, pending } = this;
    const times = readTimes(options);
    const failure = whyUnsendable(session.status);
    if (failure !== undefined) throw failure;
    const request = { device, key: randomKey(), type, data: copyOf(data) };
    const release = channel.holdUnlessRefused();
    return new Promise((resolve, reject) => {
      const ended = (why: CommandFailure | undefined, answer: unknown) => {
        pending.delete(command);
        release();
        if (why === undefined) resolve(answer);
        else reject(why);
      };
      const command = new PendingCommand(session, channel, { request, times, ended });
      pending.add(command);
      command.ask();
    });
  }

  /** A step of a command to this device was published. */
  changed(data: unknown): void {
    const change = (data ?? {}) as CommandOnWire;
    this.pending.forEach((command) => {
      command.heard(change);
    });
  }

  /** The ends of commands may have been missed. */
  askAgain(): void {
    this.pending.forEach((command) => {
      command.ask();
    });
  }

  end(): void {
    this.pending.forEach((command) => {
      command.fail(closedFailure());
    });
  }
}

/** As it is now: the app may change its object before the command is sent, or sent again. */
function copyOf(data: unknown = null): unknown {
  try {
    return JSON.parse(JSON.stringify(data));
  } catch (error) {
    throw new TypeError(`Cannot send a command: data is no JSON: ${(error as Error).message}`);
  }
}

/** Unlike any other key of this user. */
function randomKey(): string {
  const part = () => Math.random().toString(36).slice(2, 12);
  return `${Date.now().toString(36)}-${part()}${part()}`;
}
