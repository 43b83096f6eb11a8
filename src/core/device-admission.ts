import { detach } from "./detach.ts";
import type { DeviceId } from "./device-id.ts";
import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import type { Cancel, Clock } from "./ports/clock.ts";
import type { Log } from "./ports/log.ts";

/** Whether a device that was let in still would be: not with a secret that was replaced, nor when it was removed. */
export type Standing = "good" | "revoked" | "gone";

/** A device that proved who it is, at the time. */
export interface Admission {
  readonly id: DeviceId;
  /** As it is now. What another process changed is seen within a second. */
  standing(): Promise<Standing>;
}

export interface StandingWatch {
  readonly clock: Clock;
  readonly log: Log;
  /** Has to stop the watch: it would be told again. */
  readonly onEnd: (standing: Exclude<Standing, "good">) => void;
}

/**
 * Asks again and again, for as long as something is open: another process may replace a secret or
 * remove a device, and nobody tells.
 */
export function watchStanding(admission: Admission, { clock, log, onEnd }: StandingWatch): Cancel {
  let isOver = false;
  let isAsking = false;

  async function ask(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    const standing = await standingOf(admission).finally(() => {
      isAsking = false;
    });
    if (!isOver && standing !== "good") onEnd(standing);
  }

  const cancel = clock.every(LIMITS.deviceRecheckMs, () => detach(log, "device.recheck", ask));
  return () => {
    isOver = true;
    cancel();
  };
}

/** A store that cannot answer says so itself, and sends nobody away. */
async function standingOf(admission: Admission): Promise<Standing> {
  try {
    return await admission.standing();
  } catch (error) {
    if (error instanceof Fault) return "good";
    throw error;
  }
}
