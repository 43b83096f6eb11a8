import type { DeviceId } from "../device-id.ts";
import type { DeviceState, StateChange, StateOutcome } from "../device-state.ts";

/** Keeps the last known values of devices. */
export interface DeviceStates {
  /** `emptyState` where nothing was ever said about it. */
  deviceState(device: DeviceId): Promise<DeviceState>;
  /**
   * Applies `patchState`; what changed, its publication on the device's channel (`stateEvent`)
   * and its outbox rows are one transaction. Undefined, changing nothing, with an unknown device.
   */
  patchDeviceState(device: DeviceId, change: StateChange): Promise<StateOutcome | undefined>;
}
