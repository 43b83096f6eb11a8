import type { OfferedEvent } from "./device-event.ts";
import type { DeviceId } from "./device-id.ts";
import { EventNames, type PartEnd } from "./event-names.ts";
import {
  createEventStore,
  type EventSource,
  type EventStoreOptions,
  type StoredEvents,
  type StoreEvents,
} from "./event-store.ts";
import { Fault } from "./faults.ts";
import { KeysInFlight } from "./keys-in-flight.ts";
import type { Entropy } from "./ports/entropy.ts";
import type { Fingerprint } from "./ports/fingerprint.ts";
import type { TraceContext } from "./trace-context.ts";

/** One request of a device, which may bring its events in several parts. */
export interface EventPost {
  /**
   * Resolves when the events of the part are stored, or to why not. Parts are stored one after the
   * other: wait for the answer before the next one, and offer none after a refusal.
   */
  store(part: readonly OfferedEvent[], end: PartEnd): Promise<StoredEvents>;
}

/** What a request says beside its events. */
export interface PostRequest {
  readonly key?: string | undefined;
  readonly trace?: TraceContext | undefined;
}

export interface DeviceEvents {
  /**
   * Begins a request. Its `key` makes it one that has its effect once, however often it comes within
   * 24 h: what was stored is told again as a duplicate, and what was not is stored then. The same key
   * with another request is refused with `event_id_reused` before anything it names is stored, and
   * with `key_in_flight` while the store works for it. A request that stored nothing leaves the key
   * unused, so it may be mended and sent again.
   *
   * Events with ids of their own are known again by these, in this request or any other: the key
   * does not name them. What of them stands before the first event that the key names is stored even
   * if that one is refused, since their order counts; the outcomes say so.
   */
  begin(device: DeviceId, request?: PostRequest): EventPost;
}

export interface DeviceEventsOptions extends EventStoreOptions {
  readonly entropy: Entropy;
  readonly fingerprint: Fingerprint;
}

/** Types that Posthorn publishes itself; a device that could use them could lie about itself. */
const RESERVED_TYPE = /^(device|command)\./;

/** Takes in what devices post. */
export function createDeviceEvents(options: DeviceEventsOptions): DeviceEvents {
  const { entropy, fingerprint } = options;
  const storeEvents = createEventStore(options);
  const inFlight = new KeysInFlight();
  return {
    begin(device, { key, trace } = {}) {
      const from = { device, trace };
      const namesOptions = { fingerprint, makeId: () => entropy.uuid() };
      if (key !== undefined) {
        const names = new EventNames({ ...namesOptions, key });
        return new KeyedPost(from, key, { names, inFlight, storeEvents });
      }
      const names = new EventNames(namesOptions);
      return {
        store: (part, end) => storeEvents(from, names.next(part.map(refuseReserved), end).events),
      };
    },
  };
}

interface Keyed {
  readonly names: EventNames;
  readonly inFlight: KeysInFlight;
  readonly storeEvents: StoreEvents;
}

class KeyedPost implements EventPost {
  readonly #from: EventSource;
  readonly #key: string;
  readonly #keyed: Keyed;

  constructor(from: EventSource, key: string, keyed: Keyed) {
    this.#from = from;
    this.#key = key;
    this.#keyed = keyed;
  }

  async store(part: readonly OfferedEvent[], end: PartEnd): Promise<StoredEvents> {
    // Whether it is the same part as before can be told only of one that is complete.
    if (end === "broken") return { outcomes: [] };
    try {
      using _held = this.#keyed.inFlight.take(this.#from.device, this.#key);
      return await this.#storeGuarded(part, end);
    } catch (error) {
      if (error instanceof Fault) return { outcomes: [], refusal: error };
      throw error;
    }
  }

  /** The others wait for the guard, which tells whether this is the request that the key stands for. */
  async #storeGuarded(part: readonly OfferedEvent[], end: PartEnd): Promise<StoredEvents> {
    const { names, storeEvents } = this.#keyed;
    const { events, guardAt } = names.next(part.map(refuseReserved), end);
    const first = await storeEvents(this.#from, events.slice(0, guardAt + 1));
    if (first.refusal !== undefined) return first;
    if (first.outcomes[guardAt] instanceof Fault) {
      return { outcomes: first.outcomes.slice(0, guardAt), refusal: reusedKey(this.#key) };
    }
    const rest = await storeEvents(this.#from, events.slice(guardAt + 1));
    return { ...rest, outcomes: [...first.outcomes, ...rest.outcomes] };
  }
}

function refuseReserved(event: OfferedEvent): OfferedEvent {
  if (event instanceof Fault || !RESERVED_TYPE.test(event.type)) return event;
  const detail = `got the type ${JSON.stringify(event.type)}, which is Posthorn's own, wanted one that starts with neither "device." nor "command."`;
  return new Fault("event_type_reserved", { detail, subject: event.id });
}

function reusedKey(key: string): Fault {
  const detail = `the Idempotency-Key ${JSON.stringify(key)} is that of a request of the last 24 h with another body, wanted a new key`;
  return new Fault("event_id_reused", { detail });
}
