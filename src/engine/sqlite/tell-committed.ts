import { deviceChannel } from "../../core/channel.ts";
import type { Deliver } from "../../core/ports/engine.ts";
import type { Told } from "./own-event-statements.ts";

/** Says that rows for these endpoints were committed. MUST NOT throw. */
export type OutboxGrew = (endpoints: readonly string[]) => void;

export interface Listeners {
  readonly deliver: Deliver;
  readonly outboxGrew: OutboxGrew;
}

/** Tells of what a transaction published, once it is committed. */
export function tellCommitted(told: Told, { deliver, outboxGrew }: Listeners): void {
  const { device, data, timeMs, epoch, offset, endpoints } = told;
  deliver(deviceChannel(device), { data, offset, timeMs }, { epoch, offset });
  if (endpoints.length > 0) outboxGrew(endpoints);
}
