import type { DeviceId } from "./device-id.ts";
import type { OutboxEntry } from "./ports/outbox.ts";
import type { TraceContext } from "./trace-context.ts";

/** Something that happened to a device, as it was published. */
export interface ToldEvent {
  readonly id: string;
  readonly type: string;
  readonly device: DeviceId;
  readonly timeMs: number;
  /** The publication's JSON text. */
  readonly data: string;
  readonly trace?: TraceContext;
}

/**
 * The rows that tell each endpoint of an event. The body has the form that Standard Webhooks
 * recommends, with the publication as its data. They are for an append, which completes their ids.
 */
export function webhookEntries(
  { id, type, device, timeMs, data, trace }: ToldEvent,
  endpoints: readonly string[],
): readonly OutboxEntry[] {
  const head = `{"type":${JSON.stringify(type)},"timestamp":"${new Date(timeMs).toISOString()}"`;
  const body = `${head},"data":${data}}`;
  return endpoints.map((endpoint) => ({
    endpoint,
    // To be read by people. Devices choose the ids of their events, and the same again after a day; what
    // makes it one of a kind is the publication's place, which the engine adds.
    id: `${device}:${id}`,
    type,
    orderKey: device,
    body,
    createdAtMs: timeMs,
    ...(trace && { trace }),
  }));
}
