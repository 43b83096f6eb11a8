import { z } from "zod";
import { type CommandId, type CommandRecord, parseCommandId } from "../core/command.ts";
import type { CommandResult } from "../core/command-result.ts";
import { encodeDelivery } from "../core/command-text.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import { onOneLine, rawAt } from "../core/raw-json.ts";
import { encodeOffer, type StateOffer } from "../core/state-offers.ts";
import { malformedFrame, parseFrame } from "./frame-object.ts";
import { wordsOf } from "./issue-words.ts";

/** Numbers a device's frame, so that it knows the reply. */
const Ref = z.int().min(0);
const Numbered = z.object({ ref: Ref });
const AnyCommandId = z.string().max(64);

const ResultOf = z.discriminatedUnion("ok", [
  z.strictObject({ command: AnyCommandId, ok: z.literal(true), data: z.unknown().optional() }),
  z.strictObject({
    command: AnyCommandId,
    ok: z.literal(false),
    error: z.strictObject({
      code: z.string().max(LIMITS.resultCodeMaxChars),
      message: z.string().max(LIMITS.resultMessageMaxChars),
    }),
  }),
]);

/** What a device says on its websocket: it has a command, or how one ended. */
export const DeviceFrameBody = z.union([
  z.strictObject({ ref: Ref, ack: AnyCommandId }),
  z.strictObject({ ref: Ref, result: ResultOf }),
]);

/** What a frame asks for; `fault` where it is nothing that can be done. */
export type DeviceFrame = { readonly ref: number } & (
  | { readonly ack: CommandId }
  | { readonly command: CommandId; readonly result: CommandResult }
  | { readonly fault: Fault }
);

/** Decodes one text frame. Throws `frame_malformed` where it has not even a `ref` to answer to. */
export function decodeDeviceFrame(text: string): DeviceFrame {
  const value = parseFrame(text);
  const { ref } = checked(Numbered, value);
  try {
    return { ref, ...meaningOf(value, text) };
  } catch (error) {
    if (error instanceof Fault) return { ref, fault: error };
    throw error;
  }
}

function meaningOf(value: Record<string, unknown>, text: string) {
  const isResult = value["result"] !== undefined;
  const [Ack, Result] = DeviceFrameBody.options;
  if (!isResult) return { ack: parseCommandId(checked(Ack, value).ack) };
  const { result } = checked(Result, value);
  return { command: parseCommandId(result.command), result: resultOf(result, text) };
}

function checked<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw malformedFrame(wordsOf(parsed.error, value, schema));
}

function resultOf(result: z.infer<typeof ResultOf>, text: string): CommandResult {
  if (!result.ok) return { ok: false, error: result.error };
  const data = rawAt(text, ["result", "data"]);
  return { ok: true, ...(data !== undefined && { data: onOneLine(data) }) };
}

/** The frame that brings a command. */
export function commandFrame(command: CommandRecord): string {
  return `{"command":${encodeDelivery(command)}}`;
}

/** The frame that brings what the device is to change about itself. */
export function stateFrame(offer: StateOffer): string {
  return `{"state":${encodeOffer(offer)}}`;
}

/** The reply to a frame that was obeyed, or was not. */
export function replyFrame(
  ref: number,
  refusal?: { readonly code: string; message: string },
): string {
  if (refusal === undefined) return `{"ref":${ref},"ok":true}`;
  const { code, message } = refusal;
  return JSON.stringify({ ref, error: { code, message } });
}
