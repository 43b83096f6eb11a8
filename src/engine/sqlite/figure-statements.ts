import type { DatabaseSync } from "node:sqlite";
import type { EndpointFigures, StoreFigures } from "../../core/ports/engine.ts";

/** Reads how much there is. Triggers of the schema do the counting, indexes know what is oldest. */
export function prepareFigures(database: DatabaseSync) {
  const devices = database.prepare("SELECT devices FROM device_count");
  const commands = database.prepare(
    "SELECT status, commands FROM command_count WHERE status IN ('queued', 'leased', 'acked')",
  );
  const oldestQueued = database.prepare(
    `SELECT record ->> '$.createdAtMs' AS at_ms FROM command
     WHERE status = 'queued' ORDER BY seq LIMIT 1`,
  );
  const endpoints = database.prepare(
    `SELECT endpoint, waiting, waiting_bytes, dead,
       (SELECT created_at_ms FROM outbox
        WHERE outbox.endpoint = outbox_count.endpoint AND died_at_ms IS NULL
        ORDER BY seq LIMIT 1) AS oldest_at_ms
     FROM outbox_count`,
  );
  const endpointFigures = (): readonly EndpointFigures[] =>
    endpoints.all().map((row) => ({
      endpoint: String(row["endpoint"]),
      waiting: Number(row["waiting"]),
      waitingBytes: Number(row["waiting_bytes"]),
      dead: Number(row["dead"]),
      ...(row["oldest_at_ms"] !== null && { oldestAtMs: Number(row["oldest_at_ms"]) }),
    }));
  return {
    figures(_: null): StoreFigures {
      const oldest = oldestQueued.get();
      return {
        devices: Number(devices.get()?.["devices"]),
        commands: Object.fromEntries(commands.all().map((row) => [row["status"], row["commands"]])),
        ...(oldest && { oldestQueuedAtMs: Number(oldest["at_ms"]) }),
        endpoints: endpointFigures(),
      };
    },
  };
}
