import { detach } from "./detach.ts";
import type { DeviceId } from "./device-id.ts";
import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import type { Cancel, Clock } from "./ports/clock.ts";
import type { CommandQueue } from "./ports/command-queue.ts";
import type { Log } from "./ports/log.ts";
import type { WakeUps } from "./wake-ups.ts";

export interface WakeThoseWaitingParts {
  readonly queue: Pick<CommandQueue, "devicesWaitedFor">;
  readonly wakeUps: Pick<WakeUps, "queueGrew">;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Wakes the devices whose commands waited already when the server started, once, a moment after the
 * start and some at a time.
 */
export function wakeThoseWaiting({ queue, wakeUps, clock, log }: WakeThoseWaitingParts): Cancel {
  let isCanceled = false;
  let cancel: Cancel = () => undefined;

  const later = (delayMs: number, after?: DeviceId): void => {
    if (isCanceled) return;
    cancel = clock.after(delayMs, () => detach(log, "wake_those_waiting", () => round(after)));
  };
  const round = async (after?: DeviceId): Promise<void> => {
    const page = await readPage(after);
    if (page === undefined) return later(LIMITS.wakeRoundMs, after);
    if (isCanceled) return;
    for (const device of page) wakeUps.queueGrew(device);
    if (page.length === LIMITS.wakesPerRound) later(LIMITS.wakeRoundMs, page.at(-1));
  };
  /** Undefined when the store could not answer, which says so itself. */
  const readPage = async (after?: DeviceId): Promise<readonly DeviceId[] | undefined> => {
    try {
      return await queue.devicesWaitedFor({ limit: LIMITS.wakesPerRound, ...(after && { after }) });
    } catch (error) {
      if (error instanceof Fault) return undefined;
      throw error;
    }
  };

  later(LIMITS.wakeAfterStartMs);
  return () => {
    isCanceled = true;
    cancel();
  };
}
