import type { CommandRecord } from "./command.ts";
import type { DeviceId } from "./device-id.ts";
import { LIMITS } from "./limits.ts";
import type { Clock } from "./ports/clock.ts";
import type { CommandQueue } from "./ports/command-queue.ts";

/** Who wants commands, and how many at most. */
export interface LeaseWish {
  readonly receiver: string;
  readonly max: number;
}

/**
 * Leases what waits for a device, as much of it as one answer may weigh. Whoever goes on to wait MUST
 * have joined the waiters before: what is queued after the look finds somebody to wake.
 */
export type LeaseCommands = (
  device: DeviceId,
  wish: LeaseWish,
) => Promise<readonly CommandRecord[]>;

export interface CommandLeasesOptions {
  readonly queue: Pick<CommandQueue, "leaseCommands" | "waitingCommands">;
  /** How long a receiver has to acknowledge before the command is delivered again. */
  readonly commandLeaseMs: number;
  readonly clock: Clock;
}

export function createCommandLeases(options: CommandLeasesOptions): LeaseCommands {
  const { queue, commandLeaseMs: leaseMs, clock } = options;
  return async (device, { receiver, max }) => {
    const leased: CommandRecord[] = [];
    // Thousands of polls that find nothing must not queue up before the one writer.
    if ((await queue.waitingCommands(device)) === undefined) return leased;
    let charsLeft: number = LIMITS.commandPageMaxChars;
    while (leased.length < max) {
      // As many as fit, were all as large as they may be: what is leased has to be sent.
      const fitting = Math.floor(charsLeft / LIMITS.eventMaxBytes);
      const count = Math.min(max - leased.length, fitting);
      if (count === 0) break;
      const request = { device, receiver, max: count, leaseMs, nowMs: clock.nowMs() };
      const more = await queue.leaseCommands(request);
      leased.push(...more);
      charsLeft -= more.reduce((sum, { data }) => sum + data.length, 0);
      if (more.length < count) break;
    }
    return leased;
  };
}
