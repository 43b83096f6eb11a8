import { deviceChannel } from "../../core/channel.ts";
import { LIMITS } from "../../core/limits.ts";
import type { OwnEventRules } from "../../core/own-event.ts";
import type { DeviceStates } from "../../core/ports/device-states.ts";
import type { Lanes } from "./lanes.ts";
import { type Listeners, tellCommitted } from "./tell-committed.ts";

/** The `DeviceStates` of a store. */
export function createDeviceStates(
  { read, write }: Lanes,
  rules: OwnEventRules,
  listeners: Listeners,
): DeviceStates {
  return {
    deviceState(device) {
      return read.run("deviceState", device, { bytes: 2 * LIMITS.stateMaxChars });
    },

    async patchDeviceState(device, change) {
      const patched = await write.run(
        "patchDeviceState",
        { device, change, rules },
        {
          // A history waits for what is told on its channel, as for any append.
          key: deviceChannel(device),
          bytes: change.patch.length,
          committed: (output) => {
            if (output?.told) tellCommitted(output.told, listeners);
          },
        },
      );
      return patched?.outcome;
    },
  };
}
