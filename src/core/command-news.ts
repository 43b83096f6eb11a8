import { type CommandRecord, isFinal } from "./command.ts";
import type { CommandReceivers } from "./command-receivers.ts";
import type { CommandWaiters } from "./command-waiters.ts";
import type { DeviceId } from "./device-id.ts";
import type { ResultWaiters } from "./result-waiters.ts";

/** Tells everyone on this node whom a transition concerns. */
export interface CommandNews {
  /** To be called once after each transition that was stored, also the first into the queue, unless it was the device's. */
  changed(record: CommandRecord): void;
  /** The same for what its device said of it. */
  answered(record: CommandRecord): void;
  /** A wake of the device came too late for whoever was to use it: what waits has to reach it otherwise. */
  missed(device: DeviceId): void;
}

export interface CommandNewsOptions {
  readonly waiters: Pick<CommandWaiters, "wake">;
  readonly results: Pick<ResultWaiters, "changed">;
  /** The streams and sockets, which wait for the commands they were sent to be answered. */
  readonly receivers: Pick<CommandReceivers, "answered" | "lapsed">;
  /** Wakes the device if it sleeps. */
  readonly queueGrew: (device: DeviceId) => void;
}

export function createCommandNews(options: CommandNewsOptions): CommandNews {
  const { waiters, results, receivers, queueGrew } = options;
  return {
    changed(record) {
      const { device, status } = record;
      if (isFinal(status)) results.changed(record);
      // Before the one that let a lease lapse goes on: the command is for whoever else waits for it.
      if (status === "queued") waiters.wake(device);
      if (status !== "leased") receivers.lapsed(record);
      // At last: whoever did not answer holds nothing any more, and may be all there was.
      if (status === "queued") queueGrew(device);
    },
    answered(record) {
      if (isFinal(record.status)) results.changed(record);
      receivers.answered(record);
    },
    missed: queueGrew,
  };
}
