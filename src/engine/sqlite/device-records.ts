import type { DeviceId } from "../../core/device-id.ts";
import type { DeviceRecord, DeviceRecords } from "../../core/ports/engine.ts";
import type { StoredDevice } from "./device-statements.ts";
import type { Lanes } from "./lanes.ts";

/** The `DeviceRecords` of a store. */
export function createDeviceRecords({ read, write }: Lanes): DeviceRecords {
  return {
    addDevice({ id, name, secretHash, createdAtMs }) {
      return write.run("addDevice", { id, name, secretHash, createdAtMs });
    },
    setDeviceSecret(id, secretHash) {
      return write.run("setDeviceSecret", { id, secretHash });
    },
    removeDevice(id) {
      return write.run("removeDevice", id);
    },
    async device(id) {
      const stored = await read.run("device", id);
      return stored && toRecord(stored);
    },
    async devices({ after = "", limit }) {
      return (await read.run("devices", { after, limit })).map(toRecord);
    },
  };
}

/** Only parsed ids were ever stored, so the brand holds. */
function toRecord(stored: StoredDevice): DeviceRecord {
  return { ...stored, id: stored.id as DeviceId };
}
