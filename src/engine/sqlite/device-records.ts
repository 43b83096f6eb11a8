import { deviceChannel } from "../../core/channel.ts";
import type { DeviceId } from "../../core/device-id.ts";
import { LIMITS } from "../../core/limits.ts";
import type { OwnEventRules } from "../../core/own-event.ts";
import type { DeviceRecords, Sighting } from "../../core/ports/device-records.ts";
import type { Lanes } from "./lanes.ts";
import { refuseNegative } from "./refuse-negative.ts";
import { type Listeners, tellCommitted } from "./tell-committed.ts";

/** Sightings that one operation writes: about three milliseconds of work between two appends. */
const SIGHTINGS_PER_CALL = 500;

/** The `DeviceRecords` of a store. */
export function createDeviceRecords(
  { read, write }: Lanes,
  rules: OwnEventRules,
  listeners: Listeners,
): DeviceRecords {
  return {
    addDevice(device) {
      return write.run("addDevice", device, { bytes: device.meta.length });
    },

    changeDevice(id, change, condition = {}) {
      const bytes = change.metaPatch?.length ?? 0;
      return write.run("changeDevice", { id, change, condition }, { bytes });
    },

    async noteSightings(sightings) {
      write.ensureOpen();
      for (const some of inParts(sightings)) await write.run("noteSightings", some);
    },

    async changePresence(change) {
      const changed = await write.run(
        "changePresence",
        { change, rules },
        {
          // A history waits for what is told on its channel, as for any append.
          key: deviceChannel(change.device),
          committed: (output) => {
            if (output) tellCommitted(output.told, listeners);
          },
        },
      );
      return changed?.transition;
    },

    async removeDevice(id) {
      // Each round is one operation in its own batch: appends go on in between.
      while (await write.run("forgetEndedCommands", id));
      while (await write.run("forgetEventIds", id));
      return write.run("removeDevice", id);
    },

    device(id) {
      return read.run("device", id);
    },

    async devices({ after = "", limit, search = "", online = null }) {
      refuseNegative("list devices: limit", limit);
      const input = { after, limit, search, online };
      return read.run("devices", input, { bytes: limit * LIMITS.deviceMetaMaxChars });
    },
  };
}

function inParts(sightings: ReadonlyMap<DeviceId, Sighting>) {
  const all = [...sightings];
  const count = Math.ceil(all.length / SIGHTINGS_PER_CALL);
  return Array.from({ length: count }, (_, part) =>
    all.slice(part * SIGHTINGS_PER_CALL, (part + 1) * SIGHTINGS_PER_CALL),
  );
}
