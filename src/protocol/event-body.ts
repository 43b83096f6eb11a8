import { z } from "zod";
import type { OfferedEvent } from "../core/device-event.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import { onOneLine, rawElements, rawMembers } from "../core/raw-json.ts";
import { utf8Length } from "../core/utf8-length.ts";
import { wordsOf } from "./issue-words.ts";
import { Key, Printable } from "./key-text.ts";

const EventId = Key.min(1);

/** All that has to be right about an event for it to be told by its name. */
const EventWithId = z.object({ id: EventId });

/** One event as a device writes it. */
export const EventBody = z.strictObject({
  id: EventId.meta({
    description:
      "The device's own name for the event: the same id again within 24 hours is the same event, stored once",
    examples: ["e-000017"],
  }).optional(),
  type: Printable.min(1)
    .max(LIMITS.eventTypeMaxChars)
    .meta({
      description: "What happened. Types that begin with `device.` or `command.` are the server's",
      examples: ["sold"],
    }),
  data: z
    .unknown()
    .meta({
      description: `Any JSON, passed on as it was written; null when absent. The whole event has at most ${LIMITS.eventMaxBytes} bytes, unless the server is configured otherwise`,
      examples: [{ slot: 4, price: 2.5 }],
    })
    .optional(),
  time: z
    .union([z.number(), z.string().max(64)])
    .meta({
      description: "When it was by the device's own clock, in any form; kept as data, never judged",
      examples: ["2026-01-01T00:00:00Z"],
    })
    .optional(),
});

export interface DecodedEvents {
  /** The body was one object, not a list. */
  readonly single: boolean;
  readonly events: readonly OfferedEvent[];
}

export interface EventBodyLimits {
  readonly eventMaxBytes: number;
  readonly eventsPerPost: number;
}

/** What a reason may quote of a body: there may be one for every event. */
const REASON_MAX_CHARS = 300;

/**
 * Decodes a post's JSON body: one event or a list. A list's bad items are faults in their places, so
 * that the good ones are not lost with them; a body that is no list of events at all throws.
 */
export function decodeEventBody(text: string, limits: EventBodyLimits): DecodedEvents {
  const value = parseJson(text);
  if (!Array.isArray(value)) return { single: true, events: [decodeEvent(text, limits)] };
  if (value.length > limits.eventsPerPost) {
    const detail = `got ${value.length} events, at most ${limits.eventsPerPost} are allowed in one list`;
    throw new Fault("body_too_large", { detail });
  }
  if (value.length === 0) throw noEvent();
  return { single: false, events: rawElements(text).map((it) => decodeEvent(it, limits)) };
}

/** The refusal of a body without any event. */
export function noEvent(): Fault {
  return new Fault("body_malformed", { detail: "it has no event, wanted at least one" });
}

/** Checks an Idempotency-Key together with what it becomes for the last of the request's events; throws `event_invalid`. */
export function parseEventKey(key: string, lastPlace: number): string {
  const longest = lastPlace === 0 ? key : `${key}:${lastPlace}`;
  const parsed = EventId.safeParse(longest);
  if (parsed.success) return key;
  const found = clipped(JSON.stringify(key));
  const detail = `got the Idempotency-Key ${found}, wanted 1 to ${LIMITS.eventIdMaxChars} characters without control characters, the number of an event in a list included`;
  throw new Fault("event_invalid", { detail });
}

/** Decodes the text of one event. */
export function decodeEvent(
  text: string,
  { eventMaxBytes }: Pick<EventBodyLimits, "eventMaxBytes">,
): OfferedEvent {
  try {
    const bytes = utf8Length(text);
    if (bytes > eventMaxBytes) return eventTooLarge(bytes, eventMaxBytes, idIn(parseJson(text)));
    const value = parseJson(text);
    const parsed = EventBody.safeParse(value);
    if (!parsed.success) {
      const words = wordsOf(parsed.error, value, EventBody);
      return new Fault("event_invalid", { detail: clipped(words), subject: idIn(value) });
    }
    const { id, type, data, time } = parsed.data;
    const raw = rawMembers(text);
    return {
      type,
      data: data === undefined ? "null" : onOneLine(raw.get("data") ?? "null"),
      ...(id !== undefined && { id }),
      ...(time !== undefined && { time: raw.get("time") ?? "null" }),
    };
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

/** The refusal of one event that weighs too much. */
export function eventTooLarge(bytes: number, maxBytes: number, id?: string): Fault {
  const detail = `got ${bytes} bytes, at most ${maxBytes} are allowed in one event`;
  return new Fault("event_invalid", { detail, subject: id });
}

/** How the device calls what may be no event: its refusal is one of many. */
function idIn(value: unknown): string | undefined {
  return EventWithId.safeParse(value).data?.id;
}

function parseJson(text: string): unknown {
  if (text.trim() === "") throw new Fault("body_malformed", { detail: "it is empty" });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault("body_malformed", { detail: reasonOf(cause), cause });
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? `it is not JSON (${clipped(cause.message)})` : "it is not JSON";
}

function clipped(reason: string): string {
  if (reason.length <= REASON_MAX_CHARS) return reason;
  return `${reason.slice(0, REASON_MAX_CHARS).toWellFormed()}…`;
}
