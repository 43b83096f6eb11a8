import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type { DeviceId } from "../../core/device-id.ts";
import {
  type DeviceState,
  emptyState,
  patchState,
  type StateChange,
  type StateDocument,
  type StateOutcome,
  type StateSide,
} from "../../core/device-state.ts";
import { stateEvent } from "../../core/device-state-text.ts";
import type { OwnEventRules } from "../../core/own-event.ts";
import { prepareHasDevice } from "./device-rows.ts";
import type { Tell, Told } from "./own-event-statements.ts";

interface PatchInput {
  readonly device: DeviceId;
  readonly change: StateChange;
  readonly rules: OwnEventRules;
}

interface PatchOutput {
  readonly outcome: StateOutcome;
  /** Where something changed. */
  readonly told?: Told;
}

/** Changes the states of devices. Each change is told of in the transaction that makes it. */
export function prepareStateChanges(database: DatabaseSync, tell: Tell) {
  const hasDevice = prepareHasDevice(database);
  const find = prepareFindState(database);
  const keep = database.prepare("INSERT OR REPLACE INTO device_state VALUES (?, ?, ?, ?, ?, ?, ?)");
  return {
    patchDeviceState(input: PatchInput, nowMs: number): PatchOutput | undefined {
      const { device, change, rules } = input;
      if (!hasDevice(device)) return undefined;
      const outcome = patchState(find(device), change);
      if (!("changed" in outcome)) return { outcome };
      const { reported, desired } = outcome.changed;
      keep.run(device, ...columnsOf(reported), ...columnsOf(desired));
      const event = stateEvent(outcome.changed, change.side, change.nowMs);
      return { outcome, told: tell(event, { rules, nowMs }) };
    },
  };
}

/** Reads the states of devices. */
export function prepareStateReads(database: DatabaseSync) {
  const find = prepareFindState(database);
  return { deviceState: (device: DeviceId): DeviceState => find(device) };
}

function prepareFindState(database: DatabaseSync) {
  const select = database.prepare("SELECT * FROM device_state WHERE device = ?");
  return (device: DeviceId): DeviceState => {
    const row = select.get(device);
    if (!row) return emptyState(device);
    return { device, reported: toDocument(row, "reported"), desired: toDocument(row, "desired") };
  };
}

function toDocument(row: Readonly<Record<string, SQLOutputValue>>, side: StateSide): StateDocument {
  const updatedAtMs = row[`${side}_at_ms`];
  return {
    text: String(row[side]),
    version: Number(row[`${side}_version`]),
    ...(updatedAtMs !== null && { updatedAtMs: Number(updatedAtMs) }),
  };
}

function columnsOf({ text, version, updatedAtMs }: StateDocument) {
  return [text, version, updatedAtMs ?? null] as const;
}
