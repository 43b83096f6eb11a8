import type { DatabaseSync, SQLOutputValue } from "node:sqlite";

export interface StoredDevice {
  readonly id: string;
  readonly name: string;
  readonly secretHash: string;
  readonly createdAtMs: number;
}

/** Reads and writes the device records. */
export function prepareDevices(database: DatabaseSync) {
  const insert = database.prepare("INSERT OR IGNORE INTO device VALUES (?, ?, ?, ?)");
  const setSecret = database.prepare("UPDATE device SET secret_hash = ? WHERE id = ?");
  const remove = database.prepare("DELETE FROM device WHERE id = ?");
  const find = database.prepare("SELECT * FROM device WHERE id = ?");
  const list = database.prepare("SELECT * FROM device WHERE id > ? ORDER BY id LIMIT ?");
  return {
    addDevice({ id, name, secretHash, createdAtMs }: StoredDevice): boolean {
      return insert.run(id, name, secretHash, createdAtMs).changes === 1;
    },
    setDeviceSecret({ id, secretHash }: Pick<StoredDevice, "id" | "secretHash">): boolean {
      return setSecret.run(secretHash, id).changes === 1;
    },
    removeDevice(id: string): boolean {
      return remove.run(id).changes === 1;
    },
    device(id: string): StoredDevice | undefined {
      const row = find.get(id);
      return row && toStored(row);
    },
    devices(page: { readonly after: string; readonly limit: number }): readonly StoredDevice[] {
      return list.all(page.after, page.limit).map(toStored);
    },
  };
}

function toStored(row: Record<string, SQLOutputValue>): StoredDevice {
  return {
    id: String(row["id"]),
    name: String(row["name"]),
    secretHash: String(row["secret_hash"]),
    createdAtMs: Number(row["created_at_ms"]),
  };
}
