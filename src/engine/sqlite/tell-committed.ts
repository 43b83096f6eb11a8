import { deviceChannel } from "../../core/channel.ts";
import type { OwnEventType } from "../../core/own-event.ts";
import type { Deliver } from "../../core/ports/engine.ts";
import type { Told } from "./own-event-statements.ts";

/** Says that rows for these endpoints were committed. MUST NOT throw. */
export type OutboxGrew = (endpoints: readonly string[]) => void;

/** Says that Posthorn itself published an event of this type. MUST NOT throw. */
export type OwnEventTold = (type: OwnEventType) => void;

export interface Listeners {
  readonly told: OwnEventTold;
  readonly deliver: Deliver;
  readonly outboxGrew: OutboxGrew;
}

/** Tells of what a transaction published, once it is committed. */
export function tellCommitted(event: Told, { told, deliver, outboxGrew }: Listeners): void {
  const { type, device, data, timeMs, tags, epoch, offset, endpoints } = event;
  told(type);
  const publication = { data, offset, timeMs, ...(tags && { tags }) };
  deliver(deviceChannel(device), publication, { epoch, offset });
  if (endpoints.length > 0) outboxGrew(endpoints);
}
