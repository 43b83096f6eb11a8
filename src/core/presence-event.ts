import type { DeviceId } from "./device-id.ts";
import type { OwnEvent } from "./own-event.ts";

/**
 * Why a device counts as online or offline. `held`: it holds a poll, stream or socket; `posted`: it
 * asked for something else. `released`: what it held ended; `silent`: it posted nothing for too long;
 * `restarted`: it was online before this server started and has not come back.
 */
export type PresenceReason = "held" | "posted" | "released" | "silent" | "restarted";

/** A device came or went. */
export interface PresenceChange {
  readonly device: DeviceId;
  readonly online: boolean;
  readonly atMs: number;
  readonly reason: PresenceReason;
}

/** The same as it is stored and told: the store counts each device's transitions. */
export interface PresenceTransition extends PresenceChange {
  /**
   * Counts up, by 1 and from 1, but goes on above those of a device of the same id that was removed.
   * Whoever got a higher one already ignores this one.
   */
  readonly generation: number;
}

/** The event that tells of a transition. */
export function presenceEvent(transition: PresenceTransition): OwnEvent {
  const { device, online, generation, atMs, reason } = transition;
  return {
    // With the time: a store that was put back from a backup gives numbers again that were told.
    id: `${device}.presence.${generation}.${atMs}`,
    type: online ? "device.online" : "device.offline",
    device,
    timeMs: atMs,
    data: JSON.stringify({ online, generation, reason }),
  };
}
