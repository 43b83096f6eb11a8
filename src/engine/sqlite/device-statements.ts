import type { DatabaseSync } from "node:sqlite";
import type { DeviceId } from "../../core/device-id.ts";
import { Fault } from "../../core/faults.ts";
import { LIMITS } from "../../core/limits.ts";
import { mergePatch } from "../../core/merge-patch.ts";
import type {
  DeviceAdded,
  DeviceChange,
  DeviceCondition,
  DeviceRecord,
  NewDevice,
} from "../../core/ports/device-records.ts";
import { onOneLine } from "../../core/raw-json.ts";
import { prepareFindDevice, prepareHasDevice, toDevice } from "./device-rows.ts";

interface ChangeInput {
  readonly id: DeviceId;
  readonly change: DeviceChange;
  readonly condition: DeviceCondition;
}

interface ListInput {
  readonly after: string;
  readonly limit: number;
  /** "" is in every id. */
  readonly search: string;
  readonly online: boolean | null;
}

/** Adds and changes the records of devices. */
export function prepareDeviceChanges(database: DatabaseSync) {
  const has = prepareHasDevice(database);
  const find = prepareFindDevice(database);
  // Triggers of the schema do the counting: to count a large fleet would hold up every append.
  const count = database.prepare("SELECT devices FROM device_count");
  const insert = database.prepare(
    `INSERT INTO device (id, name, meta, secret_hash, enrollment, created_at_ms)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const update = database.prepare(
    `UPDATE device SET name = ?, meta = ?, secret_hash = ?, enrollment = ?, push_provider = ?,
       push_token = ? WHERE id = ?`,
  );
  return {
    addDevice(device: NewDevice): DeviceAdded {
      const { id, name, meta, secretHash, enrollment, createdAtMs } = device;
      if (has(id)) return "taken";
      if (Number(count.get()?.["devices"]) >= LIMITS.devicesMax) return "full";
      insert.run(id, name, meta, secretHash, enrollment, createdAtMs);
      return "added";
    },
    changeDevice({ id, change, condition }: ChangeInput): DeviceRecord | undefined {
      const known = find(id);
      if (!known || !holds(known, condition)) return undefined;
      const changed = changedBy(known, change);
      const { name, meta, secretHash, enrollment, push } = changed;
      update.run(
        name,
        meta,
        secretHash,
        enrollment,
        push?.provider ?? null,
        push?.token ?? null,
        id,
      );
      return changed;
    },
  };
}

/** Reads the records of devices. */
export function prepareDeviceReads(database: DatabaseSync) {
  const find = prepareFindDevice(database);
  const listWhere = (condition: string) =>
    // lower() knows ASCII only, as promised, and unlike LIKE has no wildcards that a name could hold.
    database.prepare(
      `SELECT * FROM device WHERE id > ?1 AND ${condition}
       AND (instr(lower(id), lower(?2)) > 0 OR instr(lower(name), lower(?2)) > 0)
       ORDER BY id LIMIT ?3`,
    );
  const all = listWhere("true");
  const online = listWhere("online = 1");
  const offline = listWhere("online = 0");
  return {
    device: (id: DeviceId): DeviceRecord | undefined => find(id),
    devices({ after, limit, search, online: wanted }: ListInput): readonly DeviceRecord[] {
      const list = wanted === null ? all : wanted ? online : offline;
      return list.all(after, search, limit).map(toDevice);
    },
  };
}

function holds(known: DeviceRecord, { enrollable, push }: DeviceCondition): boolean {
  if (enrollable && known.enrollment === "closed") return false;
  if (!push) return true;
  return known.push?.provider === push.provider && known.push.token === push.token;
}

function changedBy(known: DeviceRecord, change: DeviceChange): DeviceRecord {
  const { metaPatch, push, ...plain } = change;
  const { push: knownPush, ...rest } = known;
  const target = push === undefined ? knownPush : push;
  return {
    ...rest,
    ...plain,
    ...(metaPatch !== undefined && { meta: patchedMeta(known.meta, metaPatch) }),
    ...(target && { push: target }),
  };
}

function patchedMeta(meta: string, patch: string): string {
  const patched = onOneLine(mergePatch(meta, patch));
  if (patched.length <= LIMITS.deviceMetaMaxChars) return patched;
  const detail = `it would have ${patched.length} characters, at most ${LIMITS.deviceMetaMaxChars} are allowed`;
  throw new Fault("device_meta_too_large", { detail });
}
