import type { DevicePresence } from "./device-presence.ts";
import type { DeviceSightings } from "./device-sightings.ts";

/** Presence that has it noted when devices which hold something were there last. */
export function noteHolds(
  presence: Pick<DevicePresence, "hold" | "posted">,
  sightings: Pick<DeviceSightings, "hold">,
): Pick<DevicePresence, "hold" | "posted"> {
  return {
    posted: (device) => presence.posted(device),
    hold(device) {
      const releases = [presence.hold(device), sightings.hold(device)];
      return () => {
        for (const release of releases) release();
      };
    },
  };
}
