import type { WakeHint } from "./ports/push.ts";

/** Keeps the whole hint below 200 bytes, which every provider takes, and free of escapes. */
const COMMAND_PATTERN = /^[\w.:-]{1,128}$/;

/** The hint as members of an object; a command id that would not fit is left out. */
export function wakeMembers({ pending, command = "" }: WakeHint) {
  return { t: "wake" as const, n: pending, ...(COMMAND_PATTERN.test(command) && { cmd: command }) };
}

/** The hint as a device reads it: JSON text of at most 200 bytes. */
export function encodeWakeHint(hint: WakeHint): string {
  return JSON.stringify(wakeMembers(hint));
}
