import { Buffer } from "node:buffer";
import { Fault } from "../core/faults.ts";
import type { DeadLetter } from "../core/ports/outbox.ts";

/** What leads to the dead letters behind this one, also when it is gone by then. */
type Place = Pick<DeadLetter, "endpoint" | "diedAtMs" | "id">;

/** What a refusal quotes. */
const QUOTED_MAX_CHARS = 60;

/** Text for the outside, which need not read it. */
export function encodeDeadLetterCursor({ endpoint, diedAtMs, id }: Place): string {
  return Buffer.from(JSON.stringify([diedAtMs, endpoint, id])).toString("base64url");
}

/** Throws `query_invalid` for what is no cursor of ours. */
export function decodeDeadLetterCursor(text: string): Place {
  const [diedAtMs, endpoint, id] = listIn(text);
  if (Number.isSafeInteger(diedAtMs) && isName(endpoint) && isName(id)) {
    return { diedAtMs: Number(diedAtMs), endpoint, id };
  }
  const found = JSON.stringify(text.slice(0, QUOTED_MAX_CHARS));
  throw new Fault("query_invalid", { detail: `after is ${found}, wanted a value of next` });
}

function listIn(text: string): readonly unknown[] {
  try {
    const list: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    return Array.isArray(list) ? list : [];
  } catch {
    return []; // it is told above that this is no cursor
  }
}

/** Whether the store takes it: somebody may have made a cursor by hand. */
function isName(value: unknown): value is string {
  return typeof value === "string" && !value.includes("\0");
}
