import type { z } from "zod";
import { Fault, type FaultCode } from "../core/faults.ts";
import { wordsOf } from "./issue-words.ts";

/**
 * What a request's body says, checked. Throws `body_malformed` where it is no JSON, and a fault of
 * `code`, which names each wrong member, where it is not what `schema` wants.
 */
export function decodeBody<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  code: FaultCode,
): z.infer<Schema> {
  const value = parseJson(text);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Fault(code, { detail: wordsOf(parsed.error, value, schema) });
}

/** Parses JSON, or throws `body_malformed` with what is wrong with it. */
export function parseJson(text: string): unknown {
  if (text.trim() === "") throw new Fault("body_malformed", { detail: "it is empty" });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault("body_malformed", { detail: `it is not JSON${whyOf(cause)}` });
  }
}

/** The runtime's words without the input that they quote, which may be a key; hence no cause either. */
function whyOf(cause: unknown): string {
  const words = cause instanceof Error ? cause.message.replace(/["'`].*["'`]/s, "…") : "";
  return words === "" ? "" : ` (${words})`;
}
