import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type { DeviceId } from "../../core/device-id.ts";
import type { DeviceRecord, Enrollment, Sighting } from "../../core/ports/device-records.ts";

type Row = Readonly<Record<string, SQLOutputValue>>;

/** Finds the record of one device. */
export function prepareFindDevice(database: DatabaseSync) {
  const select = database.prepare("SELECT * FROM device WHERE id = ?");
  return (id: DeviceId): DeviceRecord | undefined => {
    const row = select.get(id);
    return row && toDevice(row);
  };
}

/** Tells whether there is such a device. */
export function prepareHasDevice(database: DatabaseSync) {
  const select = database.prepare("SELECT 1 FROM device WHERE id = ?");
  return (id: DeviceId): boolean => select.get(id) !== undefined;
}

/** The record in a row of all columns. Only records were ever stored, so the brand holds. */
export function toDevice(row: Row): DeviceRecord {
  const presenceAtMs = row["presence_at_ms"];
  return {
    id: String(row["id"]) as DeviceId,
    name: String(row["name"]),
    meta: String(row["meta"]),
    secretHash: String(row["secret_hash"]),
    enrollment: String(row["enrollment"]) as Enrollment,
    createdAtMs: Number(row["created_at_ms"]),
    ...(row["seen_at_ms"] !== null && { sighting: toSighting(row) }),
    online: row["online"] === 1,
    generation: Number(row["generation"]),
    ...(presenceAtMs !== null && { presenceAtMs: Number(presenceAtMs) }),
    ...(row["push_provider"] !== null && {
      push: { provider: String(row["push_provider"]), token: String(row["push_token"]) },
    }),
  };
}

function toSighting(row: Row): Sighting {
  const appVersion = row["app_version"];
  return {
    seenAtMs: Number(row["seen_at_ms"]),
    address: String(row["address"]),
    ...(appVersion !== null && { appVersion: String(appVersion) }),
  };
}
