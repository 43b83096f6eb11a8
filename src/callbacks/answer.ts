import { z } from "zod";
import { Fault } from "../core/faults.ts";
import type { BackendAnswer } from "../core/ports/backend.ts";
import { rawAt, rawMembers } from "../core/raw-json.ts";
import { optional } from "./optional.ts";

/** An answer, or what is wrong with it, to complete the sentence "it …". */
export type DecodedAnswer<Result> =
  | { readonly ok: true; readonly answer: BackendAnswer<Result> }
  | { readonly ok: false; readonly why: string };

/** The text of each member of a result. */
export type RawMembers = ReadonlyMap<string, string>;

/** How one kind of result is written. */
export interface ResultForm<Fields, Result> {
  readonly fields: z.ZodType<Fields>;
  /** Payloads are taken from the text. What it throws as a Fault or a SyntaxError makes the answer malformed. */
  readonly read: (fields: Fields, raw: RawMembers) => Result;
}

const UINT32_MAX = 2 ** 32 - 1;
/** Of a close frame (RFC 6455 §5.5). */
const REASON_MAX_BYTES = 123;

const BackendError = z.object({
  code: z.int().min(1).max(UINT32_MAX),
  message: optional(z.string()).transform((message = "") => message),
  temporary: optional(z.boolean()).transform((temporary = false) => temporary),
});

const BackendDisconnect = z.object({
  code: z.int().min(3000).max(4999),
  reason: optional(z.string()).transform((reason = "") => clipped(reason)),
});

const Envelope = z.object({
  result: z.unknown().optional(),
  error: optional(BackendError),
  disconnect: optional(BackendDisconnect),
});

/** Makes the decoder of answers with one kind of result. Members that we do not know are ignored. */
export function createAnswerDecoder<Fields, Result>({ fields, read }: ResultForm<Fields, Result>) {
  return (text: string): DecodedAnswer<Result> => {
    try {
      const { result, error, disconnect } = Envelope.parse(JSON.parse(text));
      if (disconnect !== undefined) return { ok: true, answer: { disconnect } };
      if (error !== undefined) return { ok: true, answer: { error } };
      if (result == null) {
        return { ok: false, why: "answered with neither result, error nor disconnect" };
      }
      const checked = z.object({ result: fields }).parse({ result });
      const raw = rawMembers(rawAt(text, ["result"]) ?? "{}");
      return { ok: true, answer: { result: read(checked.result, raw) } };
    } catch (error) {
      return { ok: false, why: `answered with ${faultOf(error)}` };
    }
  };
}

/** Names the place, never the value: what the backend says may be private. */
function faultOf(error: unknown): string {
  if (error instanceof SyntaxError) return "something that is not JSON";
  if (error instanceof Fault) return `something that cannot be used (${error.code})`;
  if (!(error instanceof z.ZodError)) throw error;
  const path = error.issues[0]?.path.join(".") ?? "";
  return path === "" ? "JSON that is no object" : `a malformed ${path}`;
}

/** As much of a reason as a close frame takes, without half a character. */
function clipped(reason: string): string {
  const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(REASON_MAX_BYTES));
  return reason.slice(0, read);
}
