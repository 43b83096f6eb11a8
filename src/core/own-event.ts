import type { DeviceId } from "./device-id.ts";
import type { Retention } from "./publication.ts";
import type { TraceContext } from "./trace-context.ts";

/** The types of the events that Posthorn itself publishes on a device's channel. */
export const OWN_EVENT_TYPES = [
  "device.online",
  "device.offline",
  "device.state",
  "command.queued",
  "command.sent",
  "command.acked",
  "command.done",
  "command.failed",
  "command.expired",
  "command.canceled",
] as const;

export type OwnEventType = (typeof OWN_EVENT_TYPES)[number];

export interface OwnEvent {
  /** The same event has the same id wherever it is told, so that a repeat is known as one. */
  readonly id: string;
  readonly type: OwnEventType;
  readonly device: DeviceId;
  readonly timeMs: number;
  /** JSON text. */
  readonly data: string;
  /** That of the request which began it. */
  readonly trace?: TraceContext;
  /** The same for the backend's webhooks, where it is not for everybody who listens. */
  readonly backendData?: string;
}

/** What an engine has to know to tell of its own events. Plain data, for it crosses threads. */
export interface OwnEventRules {
  /** Of the channels of devices. */
  readonly retention: Retention;
  /** The webhooks that want an event, by its type; a type that nobody wants is absent. */
  readonly endpoints: Readonly<Partial<Record<OwnEventType, readonly string[]>>>;
}

/** The publication's JSON text, in the form that devices' own events have. */
export function encodeOwnEvent({ id, type, device, timeMs, data }: OwnEvent): string {
  return `{"id":${JSON.stringify(id)},"type":"${type}","device":"${device}","time":${timeMs},"data":${data}}`;
}
