import type { DevicePresence } from "./device-presence.ts";
import type { CommandQueue } from "./ports/command-queue.ts";
import type { DeviceRecords } from "./ports/device-records.ts";
import type { SleepingDevices } from "./wake-ups.ts";

export interface SleepingDevicesParts {
  readonly presence: Pick<DevicePresence, "idleMs">;
  readonly queue: Pick<CommandQueue, "waitingCommands">;
  readonly records: Pick<DeviceRecords, "device" | "changeDevice">;
}

/** What the server knows of the devices that it may have to wake. */
export function createSleepingDevices(parts: SleepingDevicesParts): SleepingDevices {
  const { presence, queue, records } = parts;
  return {
    idleMs: (device) => presence.idleMs(device),
    async hint(device) {
      const waiting = await queue.waitingCommands(device);
      return waiting && { pending: waiting.count, command: waiting.first };
    },
    async target(device) {
      return (await records.device(device))?.push;
    },
    async dropTarget(device, target) {
      await records.changeDevice(device, { push: null }, { push: target });
    },
  };
}
