import { z } from "zod";
import type { CommandResult } from "../core/command-result.ts";
import { LIMITS } from "../core/limits.ts";
import { onOneLine, rawMembers } from "../core/raw-json.ts";
import { decodeBody } from "./json-body.ts";
import { Printable } from "./key-text.ts";

/** A command as its sender writes it. */
export const CommandBody = z.strictObject({
  type: Printable.min(1)
    .max(LIMITS.commandTypeMaxChars)
    .meta({ description: "What the device is to do", examples: ["open"] }),
  data: z
    .unknown()
    .meta({
      description: "Any JSON, passed on as it was written; null when absent",
      examples: [{ slot: 4 }],
    })
    .optional(),
  ttl: z
    .int()
    .min(LIMITS.commandTtlMinMs / 1000)
    .max(LIMITS.commandTtlMaxMs / 1000)
    .meta({
      description: `For how many seconds it waits for the device to acknowledge it; ${LIMITS.commandTtlMs / 1000} when absent`,
      examples: [3600],
    })
    .optional(),
  key: Printable.min(1)
    .max(LIMITS.commandKeyMaxChars)
    .meta({
      description:
        "The sender's own name for it: the same key for the same device again is the same command, until 7 days after its end. What is left out then is as it was, and so is its ttl in any case; another type or data, or another priority or max_attempts, is `command_key_taken`",
      examples: ["order-4711"],
    })
    .optional(),
  priority: z
    .int()
    .min(0)
    .max(LIMITS.commandPriorityMax)
    .describe("Higher ones go first, equal ones in the order they came; 0 when absent")
    .optional(),
  max_attempts: z
    .int()
    .min(1)
    .max(LIMITS.commandAttemptsMax)
    .meta({
      description:
        "After how many deliveries without an acknowledgement it has failed, with the error code `attempts_exhausted`; when absent it is delivered again until its ttl is over",
      examples: [3],
    })
    .optional(),
  wait: z
    .number()
    .min(0)
    .max(LIMITS.heldMaxSeconds)
    .meta({
      description:
        "For how many seconds the answer may wait for the command's end; 0 when absent. The client's read timeout has to be longer",
      examples: [20],
    })
    .optional(),
});

/** How a device says that a command ended. */
export const CommandResultBody = z.discriminatedUnion("ok", [
  z.strictObject({
    ok: z.literal(true),
    data: z
      .unknown()
      .meta({
        description: "Any JSON, passed on as it was written",
        examples: [{ weight: 212 }],
      })
      .optional(),
  }),
  z.strictObject({
    ok: z.literal(false),
    error: z.strictObject({
      code: z
        .string()
        .max(LIMITS.resultCodeMaxChars)
        .meta({ description: "For programs; the device's own", examples: ["slot_jammed"] }),
      message: z
        .string()
        .max(LIMITS.resultMessageMaxChars)
        .meta({ description: "For people", examples: ["Slot 4 did not open"] }),
    }),
  }),
]);

/** What a sender wants, and for how long it waits for the end. */
export interface SentCommand {
  readonly type: string;
  /** JSON text on one line. */
  readonly data: string;
  readonly ttlMs?: number;
  readonly key?: string;
  readonly priority?: number;
  readonly maxAttempts?: number;
  readonly waitMs: number;
}

/** Decodes a {@link CommandBody}, or throws `body_malformed` or `command_invalid`. */
export function decodeSentCommand(text: string): SentCommand {
  return sentCommandOf(decodeBody(CommandBody, text, "command_invalid"), text);
}

/** What a checked body asks for; its data is taken from `text`, the body itself. */
export function sentCommandOf(
  { type, ttl, key, priority, max_attempts, wait = 0 }: z.infer<typeof CommandBody>,
  text: string,
): SentCommand {
  return {
    type,
    data: dataIn(text),
    waitMs: Math.round(wait * 1000),
    ...(ttl !== undefined && { ttlMs: ttl * 1000 }),
    ...(key !== undefined && { key }),
    ...(priority !== undefined && { priority }),
    ...(max_attempts !== undefined && { maxAttempts: max_attempts }),
  };
}

/** Decodes a {@link CommandResultBody}, or throws `body_malformed` or `result_invalid`. */
export function decodeCommandResult(text: string): CommandResult {
  const result = decodeBody(CommandResultBody, text, "result_invalid");
  if (!result.ok) return result;
  return result.data === undefined ? { ok: true } : { ok: true, data: dataIn(text) };
}

/** As it was written: numbers keep their digits, objects the order of their keys. */
function dataIn(objectText: string): string {
  return onOneLine(rawMembers(objectText).get("data") ?? "null");
}
