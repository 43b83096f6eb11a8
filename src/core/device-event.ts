import type { Fault } from "./faults.ts";

/** What a device posts. `data` and `time` are JSON text on one line and stay as they are. */
export interface DeviceEvent {
  /** Absent: the request's key names the event; without one a repeated post is a new event. */
  readonly id?: string;
  readonly type: string;
  readonly data: string;
  /** The device's own idea of the time; never judged, since cheap boards start in 1970. */
  readonly time?: string;
}

/** An event, or why it is none. */
export type OfferedEvent = DeviceEvent | Fault;

export interface EventResult {
  readonly id: string;
  readonly offset: number;
  readonly duplicate: boolean;
}

/** What became of one event. */
export type EventOutcome = EventResult | Fault;
