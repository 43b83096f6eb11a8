import { deviceChannel } from "./channel.ts";
import type { DeviceEvent, EventOutcome, EventResult } from "./device-event.ts";
import type { DeviceId } from "./device-id.ts";
import type { NamedEvent } from "./event-names.ts";
import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import type { Clock } from "./ports/clock.ts";
import type { Streams } from "./ports/engine.ts";
import type { Metrics } from "./ports/metrics.ts";
import type { Retention } from "./publication.ts";
import { type TraceContext, traceTags } from "./trace-context.ts";
import { webhookEntries } from "./webhook-entries.ts";
import type { WebhookRoutes } from "./webhook-routes.ts";

export interface EventStoreOptions {
  readonly streams: Streams;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Read for each event: it may change. */
  readonly retention: Retention;
  /** The webhooks that want an event. */
  readonly routes: WebhookRoutes;
}

/** What became of some of a request's events. */
export interface StoredEvents {
  /** Of the first ones, in their order; of all of them without a `refusal`. */
  readonly outcomes: readonly EventOutcome[];
  /** Why the request is refused from there on. */
  readonly refusal?: Fault;
}

/** Who posts, and within which trace. */
export interface EventSource {
  readonly device: DeviceId;
  readonly trace: TraceContext | undefined;
}

/** Stores events of a device in their order; one that is refused does not hinder the others. */
export type StoreEvents = (
  from: EventSource,
  events: readonly (NamedEvent | Fault)[],
) => Promise<StoredEvents>;

/** Turns events into publications on their device's channel, and into rows for the webhooks. */
export function createEventStore(options: EventStoreOptions): StoreEvents {
  const { streams, clock, routes } = options;
  const count = createEventCount(options.metrics);

  async function store({ device, trace }: EventSource, named: NamedEvent): Promise<EventResult> {
    const { event, id, dedupe } = named;
    const timeMs = clock.nowMs();
    const data = encodeEvent(device, { ...event, id }, timeMs);
    const tags = traceTags(trace);
    const told = { id, type: event.type, device, timeMs, data, ...(trace && { trace }) };
    const outbox = webhookEntries(told, routes(event.type));
    const { offset, duplicate, mismatched } = await streams.append({
      channel: deviceChannel(device),
      publication: { data, timeMs, ...(tags && { tags }) },
      retention: options.retention,
      ...(dedupe !== undefined && {
        dedupe: { scope: device, ttlMs: LIMITS.dedupeTtlMs, ...dedupe },
      }),
      ...(outbox.length > 0 && { outbox }),
    });
    if (mismatched) throw reusedId(id, offset);
    return { id, offset, duplicate };
  }

  return async (from, events) => {
    // All at once: they share a commit, and the engine keeps the order in which they are asked for.
    const settled = await Promise.allSettled(
      events.map(async (it) => {
        if (it instanceof Fault) throw it;
        return store(from, it);
      }),
    );
    for (const one of settled) count(one);
    return outcomesOf(settled);
  };
}

function createEventCount(metrics: Metrics) {
  const [stored, duplicate, refused] = (["stored", "duplicate", "refused"] as const).map((result) =>
    metrics.counter("posthorn_device_events_total", { result }),
  );
  return (one: PromiseSettledResult<EventResult>): void => {
    if (one.status === "rejected") refused?.add();
    else if (one.value.duplicate) duplicate?.add();
    else stored?.add();
  };
}

function outcomesOf(settled: readonly PromiseSettledResult<EventResult>[]): StoredEvents {
  const outcomes: EventOutcome[] = [];
  for (const one of settled) {
    if (one.status === "fulfilled") {
      outcomes.push(one.value);
      continue;
    }
    const { reason } = one;
    if (!(reason instanceof Fault)) throw reason;
    if (concernsAll(reason)) return { outcomes, refusal: reason };
    outcomes.push(reason);
  }
  return { outcomes };
}

/** A store that cannot take one event is no more able to take the others. */
function concernsAll({ kind }: Fault): boolean {
  return kind === "unavailable" || kind === "busy";
}

function reusedId(id: string, offset: number): Fault {
  const detail = `the id ${JSON.stringify(id)} is that of an event of the last 24 h, at offset ${offset}, with another type or data; wanted a new id`;
  return new Fault("event_id_reused", { detail, subject: id });
}

/** The publication's JSON text. `data` and `time` are spliced in, so no digit or key order changes. */
function encodeEvent(
  device: DeviceId,
  event: DeviceEvent & { id: string },
  timeMs: number,
): string {
  const head = `{"id":${JSON.stringify(event.id)},"type":${JSON.stringify(event.type)}`;
  return `${head},"device":"${device}","time":${event.time ?? timeMs},"data":${event.data}}`;
}
