import type { DeviceId } from "../../src/core/device-id.ts";
import { type DeviceState, emptyState, patchState } from "../../src/core/device-state.ts";
import { Fault } from "../../src/core/faults.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { mergePatch } from "../../src/core/merge-patch.ts";
import type {
  DeviceAdded,
  DeviceChange,
  DeviceCondition,
  DevicePage,
  DeviceRecord,
  DeviceRecords,
  NewDevice,
  Sighting,
} from "../../src/core/ports/device-records.ts";
import type { DeviceStates } from "../../src/core/ports/device-states.ts";
import type { PresenceChange } from "../../src/core/presence-event.ts";

/** Devices and their states in memory; counts reads, and can be made to fail or to wait. */
export class MemoryRegistry implements DeviceRecords, DeviceStates {
  readonly kept = new Map<DeviceId, DeviceRecord>();
  readonly states = new Map<DeviceId, DeviceState>();
  /** What each call of `noteSightings` brought. */
  readonly noted: (readonly [DeviceId, Sighting])[][] = [];
  devicesMax: number = LIMITS.devicesMax;
  reads = 0;
  failure: Error | undefined;
  gate: Promise<void> | undefined;

  async addDevice(device: NewDevice): Promise<DeviceAdded> {
    this.#mayFail();
    if (this.kept.has(device.id)) return "taken";
    if (this.kept.size >= this.devicesMax) return "full";
    this.kept.set(device.id, { ...device, online: false, generation: 0 });
    return "added";
  }

  async changeDevice(id: DeviceId, change: DeviceChange, condition: DeviceCondition = {}) {
    this.#mayFail();
    const record = this.kept.get(id);
    if (record === undefined) return undefined;
    if (condition.enrollable && record.enrollment === "closed") return undefined;
    const { metaPatch = "{}", push, ...rest } = change;
    const { push: had, ...others } = record;
    const meta = mergePatch(record.meta, metaPatch);
    if (meta.length > LIMITS.deviceMetaMaxChars) throw new Fault("device_meta_too_large");
    const target = push === undefined ? had : push;
    const changed = { ...others, ...rest, meta, ...(target && { push: target }) };
    this.kept.set(id, changed);
    return changed;
  }

  async noteSightings(sightings: ReadonlyMap<DeviceId, Sighting>): Promise<void> {
    this.noted.push([...sightings]);
    await this.gate;
    this.#mayFail();
    for (const [id, sighting] of sightings) {
      const record = this.kept.get(id);
      if (record === undefined) continue;
      const enrollment = record.enrollment === "fresh" ? "closed" : record.enrollment;
      this.kept.set(id, { ...record, sighting, enrollment });
    }
  }

  async changePresence(_change: PresenceChange): Promise<undefined> {
    throw new Error("Cannot change presence: nobody here does");
  }

  async removeDevice(id: DeviceId): Promise<boolean> {
    this.#mayFail();
    this.states.delete(id);
    return this.kept.delete(id);
  }

  async device(id: DeviceId): Promise<DeviceRecord | undefined> {
    this.reads += 1;
    const record = this.kept.get(id);
    await this.gate;
    this.#mayFail();
    return record;
  }

  async devices({ after, limit, search = "", online }: DevicePage) {
    const text = search.toLowerCase();
    const records = [...this.kept.values()]
      .filter(({ id }) => after === undefined || id > after)
      .filter(({ id, name }) => `${id}\n${name}`.toLowerCase().includes(text))
      .filter((it) => online === undefined || it.online === online);
    return records.toSorted((a, b) => (a.id < b.id ? -1 : 1)).slice(0, limit);
  }

  async deviceState(device: DeviceId): Promise<DeviceState> {
    return this.states.get(device) ?? emptyState(device);
  }

  async patchDeviceState(device: DeviceId, change: Parameters<typeof patchState>[1]) {
    this.#mayFail();
    if (!this.kept.has(device)) return undefined;
    const outcome = patchState(await this.deviceState(device), change);
    if ("changed" in outcome) this.states.set(device, outcome.changed);
    return outcome;
  }

  #mayFail(): void {
    if (this.failure !== undefined) throw this.failure;
  }
}
