import type { DatabaseSync } from "node:sqlite";
import { deviceChannel } from "../../core/channel.ts";
import type { DeviceId } from "../../core/device-id.ts";
import { bucketOf } from "./epoch.ts";
import { prepareRemoveHistory } from "./stream-life.ts";

/** Ended commands that one round deletes; with its data and result each weighs up to 128 KiB. */
const ENDED_COMMANDS_MAX = 200;
/** Ids of events that one round deletes, each a row and its place in an index. */
const EVENT_IDS_MAX = 500;

/**
 * Removes devices.
 *
 * A device may have had hundreds of thousands of commands within the days for which they are kept,
 * and millions of events within the day for which their ids are; to delete them all at once would
 * hold up every append. So commands that ended and ids go first, round by round, and what is left
 * goes together with the record: nothing of it meets a new device of that id.
 */
export function prepareDeviceRemoval(database: DatabaseSync) {
  const forgetEnded = database.prepare(
    `DELETE FROM command WHERE seq IN (
       SELECT seq FROM command WHERE device = ? AND finished_at_ms IS NOT NULL
       ORDER BY seq LIMIT ${ENDED_COMMANDS_MAX})`,
  );
  // The scope of a device's events is its id.
  const forgetIds = database.prepare(
    `DELETE FROM dedupe WHERE scope = ?1 AND id IN (
       SELECT id FROM dedupe WHERE scope = ?1 ORDER BY id LIMIT ${EVENT_IDS_MAX})`,
  );
  const removeHistory = prepareRemoveHistory(database);
  const rememberGeneration = prepareRememberGeneration(database);
  const remove = database.prepare("DELETE FROM device WHERE id = ?");
  const belongings = ["binding", "device_state", "command"].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE device = ?`),
  );
  const forgetAllIds = database.prepare("DELETE FROM dedupe WHERE scope = ?");
  return {
    /** True when there may be more. */
    forgetEndedCommands(id: DeviceId): boolean {
      return forgetEnded.run(id).changes === ENDED_COMMANDS_MAX;
    },
    /** True when there may be more. */
    forgetEventIds(id: DeviceId): boolean {
      return forgetIds.run(id).changes === EVENT_IDS_MAX;
    },
    removeDevice(id: DeviceId): boolean {
      for (const statement of [...belongings, forgetAllIds]) statement.run(id);
      removeHistory(deviceChannel(id));
      rememberGeneration(id);
      return remove.run(id).changes === 1;
    },
  };
}

/**
 * Keeps up to where a device's transitions were counted, so that a new one of its id goes on there.
 *
 * What is kept is the highest number per bucket: one for every device there ever was would grow
 * without bound. The price is that a device which shares its bucket with one that was removed may
 * count from a higher number than 1.
 */
function prepareRememberGeneration(database: DatabaseSync): (id: DeviceId) => void {
  const remember = database.prepare(
    `INSERT INTO former_device SELECT ?1, generation FROM device WHERE id = ?2 AND generation > 0
     ON CONFLICT (bucket) DO UPDATE SET generation = max(generation, excluded.generation)`,
  );
  return (id) => void remember.run(bucketOf(id), id);
}
