import type { DeviceId } from "../../src/core/device-id.ts";
import { type DeviceState, emptyState } from "../../src/core/device-state.ts";
import type { DevicePage, DeviceRecord } from "../../src/core/ports/device-records.ts";

/** Devices and their states, as a test puts them there. */
export class KnownDevices {
  readonly records = new Map<DeviceId, DeviceRecord>();
  readonly states = new Map<DeviceId, DeviceState>();
  /** Runs before a state is answered. */
  beforeState: () => Promise<void> | void = () => {};

  add(id: DeviceId, known: Partial<DeviceRecord> = {}): void {
    this.records.set(id, {
      id,
      name: "",
      meta: "{}",
      secretHash: "hash",
      enrollment: "closed",
      createdAtMs: 0,
      online: false,
      generation: 0,
      ...known,
    });
  }

  async device(id: DeviceId): Promise<DeviceRecord | undefined> {
    return this.records.get(id);
  }

  async devices({ after = "" as DeviceId, limit }: DevicePage): Promise<readonly DeviceRecord[]> {
    const ids = [...this.records.keys()].filter((id) => id > after).toSorted();
    return ids.slice(0, limit).flatMap((id) => this.records.get(id) ?? []);
  }

  async deviceState(id: DeviceId): Promise<DeviceState> {
    await this.beforeState();
    return this.states.get(id) ?? emptyState(id);
  }

  /** Gives the device a reported document. */
  report(id: DeviceId, text: string): void {
    const reported = { text, version: 1 };
    this.states.set(id, { ...emptyState(id), reported });
  }
}
