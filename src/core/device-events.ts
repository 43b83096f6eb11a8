import { deviceChannel } from "./channel.ts";
import type { DeviceId } from "./device-id.ts";
import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import type { Clock } from "./ports/clock.ts";
import type { Streams } from "./ports/engine.ts";
import type { Entropy } from "./ports/entropy.ts";
import type { Retention } from "./publication.ts";

/** What a device posts. `data` and `time` are JSON text and stay as they are. */
export interface DeviceEvent {
  /** Absent: the server makes one, and a repeated post is a new event. */
  readonly id?: string;
  readonly type: string;
  readonly data: string;
  /** The device's own idea of the time; never judged, since cheap boards start in 1970. */
  readonly time?: string;
}

export interface EventResult {
  readonly id: string;
  readonly offset: number;
  readonly duplicate: boolean;
}

export interface DeviceEventsOptions {
  readonly streams: Streams;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly retention: Retention;
}

export interface DeviceEvents {
  /** Resolves when the event is stored; rejects with a {@link Fault} when it is not. */
  post(device: DeviceId, event: DeviceEvent): Promise<EventResult>;
}

/** Types that Posthorn publishes itself; a device that could use them could lie about itself. */
const RESERVED_TYPE = /^(device|command)\./;

/** Turns what devices post into publications on their channels. */
export function createDeviceEvents(options: DeviceEventsOptions): DeviceEvents {
  const { streams, clock, entropy, retention } = options;
  return {
    async post(device, event) {
      if (RESERVED_TYPE.test(event.type)) {
        const detail = `"${event.type}" is Posthorn's own, wanted a type that starts with neither "device." nor "command."`;
        throw new Fault("event_type_reserved", { detail });
      }
      const id = event.id ?? entropy.uuid();
      const timeMs = clock.nowMs();
      const { offset, duplicate } = await streams.append({
        channel: deviceChannel(device),
        publication: { data: encodeEvent(device, { ...event, id }, timeMs), timeMs },
        retention,
        ...(event.id !== undefined && {
          dedupe: { scope: device, id, ttlMs: LIMITS.dedupeTtlMs },
        }),
      });
      return { id, offset, duplicate };
    },
  };
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
