import type { z } from "zod";
import type { LoginOutcome } from "../core/ports/login-provider.ts";
import type { WebAnswer } from "../core/ports/web-client.ts";

/** What a provider's answer says, or what it is instead of one. */
export type ReadAnswer<Body> =
  | { readonly body: Body }
  | { readonly failure: Extract<LoginOutcome, { readonly outcome: "unreachable" | "odd" }> };

/**
 * Reads an answer by its text, whatever type it claims to be of: providers send JSON as plain text.
 * Nothing of what it holds goes into the failure.
 */
export function readAnswer<Schema extends z.ZodType>(
  schema: Schema,
  answer: WebAnswer,
): ReadAnswer<z.infer<Schema>> {
  if (!answer.ok) return { failure: { outcome: "unreachable", why: answer.why } };
  const { status, text } = answer;
  if (status >= 500) {
    return { failure: { outcome: "unreachable", why: `answered with status ${status}` } };
  }
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return { body: parsed.data };
  const why = `answered with status ${status} and nothing that its documentation knows`;
  return { failure: { outcome: "odd", why } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // what is no JSON is no answer: the schema says so
  }
}
