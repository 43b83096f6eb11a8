import { z } from "zod";
import type { DeviceEvent } from "../core/device-events.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import { onOneLine, rawElements, rawMembers } from "../core/raw-json.ts";
import { wordsOf } from "./issue-words.ts";
import { Key, Printable } from "./key-text.ts";

const EventId = Key.min(1);

const EventFields = z.strictObject({
  id: EventId.optional(),
  type: Printable.min(1).max(LIMITS.eventTypeMaxChars),
  data: z.unknown().optional(),
  time: z.union([z.number(), z.string().max(64)]).optional(),
});

export type DecodedEvent = DeviceEvent | Fault;

/** How the body of a post separates its events. */
export type EventBodyForm = "json" | "ndjson";

export interface DecodedEvents {
  /** The body was one object, not a list. */
  readonly single: boolean;
  readonly events: readonly DecodedEvent[];
}

export interface EventBodyLimits {
  readonly eventMaxBytes: number;
  readonly eventsPerPost: number;
}

/**
 * Decodes a post's body: one event, an array, or one event per line. A list's bad items are faults
 * in their places, so that the good ones are not lost with them; a body that is no list of events
 * at all throws.
 */
export function decodeEventBody(
  text: string,
  form: EventBodyForm,
  limits: EventBodyLimits,
): DecodedEvents {
  if (form === "ndjson") {
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    return listOf(lines, limits);
  }
  const value = parseJson(text);
  if (Array.isArray(value)) return listOf(rawElements(text), limits);
  return { single: true, events: [decodeEvent(text, limits)] };
}

/** Checks an id that did not come with the event; throws `event_invalid`. */
export function parseEventId(text: string): string {
  const parsed = EventId.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new Fault("event_invalid", { detail: `id: ${parsed.error.issues[0]?.message}` });
}

function listOf(texts: readonly string[], limits: EventBodyLimits): DecodedEvents {
  if (texts.length > limits.eventsPerPost) {
    const detail = `got ${texts.length} events, at most ${limits.eventsPerPost} are allowed in one post`;
    throw new Fault("body_too_large", { detail });
  }
  if (texts.length === 0) throw new Fault("body_malformed", { detail: "it has no event" });
  return { single: false, events: texts.map((text) => decodeEvent(text, limits)) };
}

function decodeEvent(text: string, limits: EventBodyLimits): DecodedEvent {
  try {
    if (text.length > limits.eventMaxBytes) {
      const detail = `got ${text.length} characters, at most ${limits.eventMaxBytes} bytes are allowed`;
      return new Fault("event_invalid", { detail });
    }
    const parsed = EventFields.safeParse(parseJson(text));
    if (!parsed.success) {
      return new Fault("event_invalid", { detail: wordsOf(parsed.error) });
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

function parseJson(text: string): unknown {
  if (text.trim() === "") throw new Fault("body_malformed", { detail: "it is empty" });
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault("body_malformed", { detail: reasonOf(cause), cause });
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? `it is not JSON (${cause.message})` : "it is not JSON";
}
