import { unknownDevice } from "./device-fields.ts";
import type { DeviceId } from "./device-id.ts";
import type { DeviceState, StateChange } from "./device-state.ts";
import { Fault } from "./faults.ts";
import type { Clock } from "./ports/clock.ts";
import type { DeviceRecords } from "./ports/device-records.ts";
import type { DeviceStates } from "./ports/device-states.ts";

/** The last known values of devices. Both methods throw `device_unknown`. */
export interface States {
  find(device: DeviceId): Promise<DeviceState>;
  /** Resolves to what is so then. Throws `state_conflict` or `state_too_large`. */
  patch(device: DeviceId, change: Omit<StateChange, "nowMs">): Promise<DeviceState>;
}

export interface StatesOptions {
  readonly records: Pick<DeviceRecords, "device"> & DeviceStates;
  readonly clock: Clock;
  /** Hears of every change of what a device should be; MUST NOT throw. */
  readonly desiredChanged: (device: DeviceId) => void;
}

export function createStates({ records, clock, desiredChanged }: StatesOptions): States {
  return {
    async find(device) {
      const [record, state] = await Promise.all([
        records.device(device),
        records.deviceState(device),
      ]);
      if (record === undefined) throw unknownDevice(device);
      return state;
    },
    async patch(device, change) {
      const outcome = await records.patchDeviceState(device, { ...change, nowMs: clock.nowMs() });
      if (outcome === undefined) throw unknownDevice(device);
      if ("refused" in outcome) throw new Fault(outcome.refused, { detail: outcome.detail });
      if ("unchanged" in outcome) return outcome.unchanged;
      if (change.side === "desired") desiredChanged(device);
      return outcome.changed;
    },
  };
}
