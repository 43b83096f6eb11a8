import type { DeviceEvent, OfferedEvent } from "./device-event.ts";
import { Fault } from "./faults.ts";
import type { Fingerprint } from "./ports/fingerprint.ts";

/** How a part of a request ends: more parts follow, it was the last one, or the sender broke off. */
export type PartEnd = "more" | "last" | "broken";

/** An event with the name under which it is stored. */
export interface NamedEvent {
  readonly event: DeviceEvent;
  readonly id: string;
  /** Absent: nothing tells a repetition of the event from a new one. */
  readonly dedupe?: { readonly id: string; readonly fingerprint: string };
}

export interface NamedPart {
  readonly events: readonly (NamedEvent | Fault)[];
  /** Where the event is that stands for the whole part; -1 when no event has its name from the key. */
  readonly guardAt: number;
}

export interface EventNamesOptions {
  /** The request's idempotency key. */
  readonly key?: string;
  readonly fingerprint: Fingerprint;
  readonly makeId: () => string;
}

/** No id of an event can hold it, so a key's numbered events never meet an id of the device's own. */
const NUMBER_MARK = "\u0001";

/**
 * Names the events of one request, part by part.
 *
 * An event's own id names it. An event without one is named by the key: the key itself when it is the
 * request's only event, else the key and the event's place. Without a key it gets a new id.
 *
 * The first event of each part that the key names is its guard: its fingerprint is that of the whole
 * part and all parts before, and whether the part is the last one. So when the guard is stored or
 * known, the request is new or the same as before, and when it is known with another fingerprint, it
 * is another request, be it longer, shorter or different in its last event. Every other event has the
 * fingerprint of its type and data. `time` is in none, for it may be the time of sending; nor do spaces
 * and the order of members get lost in one, for nobody needs them to differ in what is sent again.
 */
export class EventNames {
  readonly #options: EventNamesOptions;
  #named = 0;
  #before = "";
  #isKeyUsed = false;

  constructor(options: EventNamesOptions) {
    this.#options = options;
  }

  next(part: readonly OfferedEvent[], end: PartEnd): NamedPart {
    const from = this.#named;
    this.#named += part.length;
    const isOnly = from === 0 && part.length === 1 && end === "last";
    const { key } = this.#options;
    if (key === undefined) return { events: part.map((it) => this.#byItself(it)), guardAt: -1 };
    const whole = this.#wholeOf(part, isOnly, end);
    const guardAt = part.findIndex(isNameless);
    const events = part.map((it, index): NamedEvent | Fault => {
      if (!isNameless(it)) return this.#byItself(it);
      const isGuard = index === guardAt;
      const place = from + index;
      // The key alone is the first guard's, so that a list and a single event collide.
      const dedupeId = isGuard && !this.#isKeyUsed ? key : `${key}${NUMBER_MARK}${place}`;
      this.#isKeyUsed ||= isGuard;
      return {
        event: it,
        id: isOnly ? key : `${key}:${place}`,
        dedupe: { id: dedupeId, fingerprint: isGuard ? whole : this.#fingerprintOf(it) },
      };
    });
    return { events, guardAt };
  }

  #byItself(event: OfferedEvent): NamedEvent | Fault {
    if (event instanceof Fault) return event;
    const { id } = event;
    if (id === undefined) return { event, id: this.#options.makeId() };
    return { event, id, dedupe: { id, fingerprint: this.#fingerprintOf(event) } };
  }

  /** An only event has the same fingerprint by its key as by an id. */
  #wholeOf(part: readonly OfferedEvent[], isOnly: boolean, end: PartEnd): string {
    const [only] = part;
    if (isOnly && only !== undefined && !(only instanceof Fault)) return this.#fingerprintOf(only);
    const lines = [this.#before, end, ...part.map(linesOf)];
    this.#before = this.#options.fingerprint(lines.join("\n"));
    return this.#before;
  }

  #fingerprintOf(event: DeviceEvent): string {
    return this.#options.fingerprint(contentOf(event));
  }
}

function isNameless(event: OfferedEvent): event is DeviceEvent {
  return !(event instanceof Fault) && event.id === undefined;
}

/** Three lines for each, so that no two lists read the same: neither ids nor types nor data have line breaks. */
function linesOf(event: OfferedEvent): string {
  return event instanceof Fault ? `\n\n${event.code}` : `${event.id ?? ""}\n${contentOf(event)}`;
}

function contentOf({ type, data }: DeviceEvent): string {
  return `${type}\n${data}`;
}
