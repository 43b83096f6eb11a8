import type { DatabaseSync } from "node:sqlite";
import type { DeviceId } from "../../core/device-id.ts";
import type { OwnEventRules } from "../../core/own-event.ts";
import type { Sighting } from "../../core/ports/device-records.ts";
import {
  type PresenceChange,
  type PresenceTransition,
  presenceEvent,
} from "../../core/presence-event.ts";
import { bucketOf } from "./epoch.ts";
import type { Tell, Told } from "./own-event-statements.ts";

interface PresenceInput {
  readonly change: PresenceChange;
  readonly rules: OwnEventRules;
}

interface ToldTransition {
  readonly transition: PresenceTransition;
  readonly told: Told;
}

/** Keeps when devices were heard of and whether they are there. */
export function prepareDevicePresence(database: DatabaseSync, tell: Tell) {
  // What is dated in the future was seen before the machine's clock was set back.
  const see = database.prepare(
    `UPDATE device SET seen_at_ms = ?2, address = ?3, app_version = coalesce(?4, app_version)
     WHERE id = ?1 AND (seen_at_ms IS NULL OR seen_at_ms <= ?2 OR seen_at_ms > ?5)`,
  );
  const close = database.prepare(
    "UPDATE device SET enrollment = 'closed' WHERE id = ? AND enrollment = 'fresh'",
  );
  const turn = database.prepare(
    `UPDATE device SET online = ?2, presence_at_ms = ?3, generation = 1 + CASE generation WHEN 0
       THEN coalesce((SELECT former_device.generation FROM former_device WHERE bucket = ?4), 0)
       ELSE generation END
     WHERE id = ?1 AND online <> ?2 RETURNING generation`,
  );
  return {
    noteSightings(sightings: readonly (readonly [DeviceId, Sighting])[], nowMs: number): void {
      for (const [id, { seenAtMs, address, appVersion = null }] of sightings) {
        see.run(id, seenAtMs, address, appVersion, nowMs);
        close.run(id);
      }
    },
    changePresence({ change, rules }: PresenceInput, nowMs: number): ToldTransition | undefined {
      const { device, online, atMs } = change;
      const row = turn.get(device, online ? 1 : 0, atMs, bucketOf(device));
      if (!row) return undefined;
      const transition = { ...change, generation: Number(row["generation"]) };
      return { transition, told: tell(presenceEvent(transition), { rules, nowMs }) };
    },
  };
}
