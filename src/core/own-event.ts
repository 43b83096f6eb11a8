import type { DeviceId } from "./device-id.ts";

/** The types of the events that Posthorn itself publishes on a device's channel. */
export type OwnEventType =
  | "device.online"
  | "device.offline"
  | "device.state"
  | "command.queued"
  | "command.sent"
  | "command.acked"
  | "command.done"
  | "command.failed"
  | "command.expired"
  | "command.canceled";

export interface OwnEvent {
  /** The same event has the same id wherever it is told, so that a repeat is known as one. */
  readonly id: string;
  readonly type: OwnEventType;
  readonly device: DeviceId;
  readonly timeMs: number;
  /** JSON text. */
  readonly data: string;
}

/** The publication's JSON text, in the form that devices' own events have. */
export function encodeOwnEvent({ id, type, device, timeMs, data }: OwnEvent): string {
  return `{"id":${JSON.stringify(id)},"type":"${type}","device":"${device}","time":${timeMs},"data":${data}}`;
}
