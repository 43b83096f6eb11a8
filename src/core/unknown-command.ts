import type { CommandId } from "./command.ts";
import { Fault } from "./faults.ts";

/** The refusal of an id that the device has no command for. */
export function unknownCommand(id: CommandId): Fault {
  return new Fault("command_unknown", { detail: `there is no command "${id}" of this device` });
}

/** The refusal of a key under which its sender has sent the device nothing. */
export function unknownKey(key: string): Fault {
  const detail = `there is no command under the key ${JSON.stringify(key)} of this sender`;
  return new Fault("command_unknown", { detail });
}
