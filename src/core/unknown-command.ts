import type { CommandId } from "./command.ts";
import { Fault } from "./faults.ts";

/** The refusal of an id that the device has no command for. */
export function unknownCommand(id: CommandId): Fault {
  return new Fault("command_unknown", { detail: `there is no command "${id}" of this device` });
}
