import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type { DeviceId } from "../../core/device-id.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Binding, Bound } from "../../core/ports/bindings.ts";
import { prepareHasDevice } from "./device-rows.ts";

/** Reads and writes who owns which devices. */
export function prepareBindings(database: DatabaseSync) {
  const hasDevice = prepareHasDevice(database);
  const change = database.prepare("UPDATE binding SET commands = ? WHERE user = ? AND device = ?");
  const insert = database.prepare("INSERT INTO binding (commands, user, device) VALUES (?, ?, ?)");
  const remove = database.prepare("DELETE FROM binding WHERE user = ? AND device = ?");
  const counts = database.prepare(
    `SELECT (SELECT count(*) FROM binding WHERE user = ?1) AS devices,
       (SELECT count(*) FROM binding WHERE device = ?2) AS users`,
  );
  const ofUser = database.prepare("SELECT * FROM binding WHERE user = ? ORDER BY device");
  const ofDevice = database.prepare("SELECT * FROM binding WHERE device = ? ORDER BY user");

  const isFull = (user: string, device: DeviceId): boolean => {
    const row = counts.get(user, device);
    return (
      Number(row?.["devices"]) >= LIMITS.bindingsPerUser ||
      Number(row?.["users"]) >= LIMITS.bindingsPerDevice
    );
  };
  return {
    bind({ user, device, commands }: Binding): Bound {
      if (!hasDevice(device)) return "device_unknown";
      const columns = [JSON.stringify(commands), user, device] as const;
      if (change.run(...columns).changes === 1) return "bound";
      if (isFull(user, device)) return "full";
      insert.run(...columns);
      return "bound";
    },
    unbind({ user, device }: Pick<Binding, "user" | "device">): boolean {
      return remove.run(user, device).changes === 1;
    },
    bindingsOfUser: (user: string): readonly Binding[] => ofUser.all(user).map(toBinding),
    bindingsOfDevice: (device: DeviceId): readonly Binding[] => ofDevice.all(device).map(toBinding),
  };
}

/** Only bindings were ever stored, so the brand holds. */
function toBinding(row: Readonly<Record<string, SQLOutputValue>>): Binding {
  return {
    user: String(row["user"]),
    device: String(row["device"]) as DeviceId,
    commands: JSON.parse(String(row["commands"])),
  };
}
