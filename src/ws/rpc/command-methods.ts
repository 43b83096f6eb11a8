import type { CommandRecord, CommandSender } from "../../core/command.ts";
import { encodeCommand, withoutKey } from "../../core/command-text.ts";
import type { Commands } from "../../core/commands.ts";
import type { DeviceId } from "../../core/device-id.ts";
import { Fault } from "../../core/faults.ts";
import { type Identity, maySee, maySend } from "../../core/grants.ts";
import { decodeGetCommand, decodeSendCommand } from "../../protocol/rpc-body.ts";
import type { OwnMethod } from "./own-method.ts";

/** Commands as clients deal with them. */
export type SentCommands = Pick<Commands, "send" | "find" | "findUnderKey">;

/** `command.send`: queues a command for a device, and waits perhaps for its end. */
export const sendCommand: OwnMethod = ({ identity, services }, data) => {
  const { request, waitMs } = decodeSendCommand(data);
  const { device, type } = request;
  if (!maySend(identity, device, type)) {
    const detail = `nothing lets this client send ${JSON.stringify(type)} to device "${device}"`;
    throw new Fault("command_denied", { detail });
  }
  const sender = senderOf(identity);
  return {
    waits: waitMs > 0,
    answer: async (signal) =>
      encodeCommand(await services.commands.send({ ...request, sender }, waitMs, signal)),
  };
};

/**
 * `command.get`: one command of a device that the client sees, or that its user sent; by its id, or by
 * the key under which this user sent it. It never sends one, whatever the key.
 */
export const getCommand: OwnMethod = ({ identity, services }, data) => {
  const asked = decodeGetCommand(data);
  const { device } = asked;
  if (!maySee(identity, device) && !identity.commands.has(device)) throw unseen(device);
  return {
    waits: false,
    async answer() {
      const { commands } = services;
      if (!("id" in asked)) {
        // Whoever knows the key has sent it, also a client whose token names no user.
        const sender = senderOf(identity);
        return encodeCommand(await commands.findUnderKey({ ...asked, sender }));
      }
      const command = await commands.find(device, asked.id);
      if (isOwn(identity, command)) return encodeCommand(command);
      if (maySee(identity, device)) return encodeCommand(withoutKey(command));
      throw unseen(device);
    },
  };
};

/** The fault of who asks about a device that is none of their business. */
export function unseen(device: DeviceId): Fault {
  const detail = `nothing lets this client see device "${device}"`;
  return new Fault("device_denied", { detail });
}

function senderOf({ user }: Identity): CommandSender {
  return { kind: "user", user };
}

function isOwn({ user }: Identity, { sender }: CommandRecord): boolean {
  return sender.kind === "user" && sender.user !== "" && sender.user === user;
}
