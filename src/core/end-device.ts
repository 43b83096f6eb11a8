import type { CommandReceivers } from "./command-receivers.ts";
import type { DeviceId } from "./device-id.ts";
import type { DevicePresence } from "./device-presence.ts";
import type { DeviceSightings } from "./device-sightings.ts";
import type { Log } from "./ports/log.ts";

/** Whoever in this process knows something of devices. */
export interface DeviceKnowers {
  readonly sightings: Pick<DeviceSightings, "forget">;
  readonly presence: Pick<DevicePresence, "forget">;
  readonly receivers: Pick<CommandReceivers, "dismiss">;
  /** Hears of every device that is no more; MUST NOT throw. */
  readonly deviceRemoved: (device: DeviceId) => void;
  readonly log: Log;
}

/** To be called once a device was removed, by whomever: nothing is known of it any more, and what it had open ends. */
export function endDevice(
  device: DeviceId,
  { sightings, presence, receivers, deviceRemoved, log }: DeviceKnowers,
): void {
  sightings.forget(device);
  presence.forget(device);
  receivers.dismiss(device);
  deviceRemoved(device);
  log.info("device.removed", { device });
}
