import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type { CommandId, CommandRecord, CommandSender } from "../../core/command.ts";
import { dueAtMs } from "../../core/command-life.ts";
import type { DeviceId } from "../../core/device-id.ts";
import { LIMITS } from "../../core/limits.ts";
import type { SentUnderKey, WaitingCommands } from "../../core/ports/command-queue.ts";

/** Names one command. */
export interface CommandRef {
  readonly device: DeviceId;
  readonly id: CommandId;
}

interface WaitingQuery {
  readonly device: DeviceId;
  readonly nowMs: number;
  readonly max: number;
}

/**
 * Writes the table of commands.
 *
 * A row holds the whole record as JSON text; the columns beside it repeat only what is looked up.
 */
export function prepareCommandRows(database: DatabaseSync) {
  const insert = database.prepare(
    `INSERT INTO command (id, device, sender, key, priority, status, due_at_ms, finished_at_ms, record)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const update = database.prepare(
    "UPDATE command SET status = ?, due_at_ms = ?, finished_at_ms = ?, record = ? WHERE id = ?",
  );
  const underKey = prepareFindUnderKey(database);
  const waiting = database.prepare(
    `SELECT record FROM command WHERE device = ? AND status = 'queued' AND due_at_ms > ?
     ORDER BY priority DESC, seq LIMIT ?`,
  );
  return {
    insert(record: CommandRecord): void {
      const { id, device, sender, key = null, priority } = record;
      insert.run(id, device, nameOf(sender), key, priority, ...movingColumns(record));
    },
    update(record: CommandRecord): void {
      update.run(...movingColumns(record), record.id);
    },
    /** The command that has this one's device, sender and key. */
    sameKey({ device, sender, key }: CommandRecord): CommandRecord | undefined {
      return key === undefined ? undefined : underKey({ device, sender, key });
    },
    /** What may be leased, first things first. What its ttl has ended and no tick yet is left out. */
    waiting({ device, nowMs, max }: WaitingQuery): readonly CommandRecord[] {
      return toRecords(waiting.all(device, nowMs, max));
    },
  };
}

/** Finds one command of a device. */
export function prepareFindCommand(database: DatabaseSync) {
  const select = database.prepare("SELECT record FROM command WHERE id = ? AND device = ?");
  return ({ device, id }: CommandRef) => toRecord(select.get(id, device));
}

/** Finds the command of a device that its sender gave this key. */
export function prepareFindUnderKey(database: DatabaseSync) {
  const select = database.prepare(
    "SELECT record FROM command WHERE device = ? AND sender = ? AND key = ?",
  );
  return ({ device, sender, key }: SentUnderKey) =>
    toRecord(select.get(device, nameOf(sender), key));
}

/** Counts the commands of a device that have no end yet. */
export function prepareCountOpen(database: DatabaseSync) {
  const count = database.prepare(
    "SELECT count(*) AS open FROM command WHERE device = ? AND due_at_ms IS NOT NULL",
  );
  return (device: DeviceId) => Number(count.get(device)?.["open"]);
}

/** Counts the commands of a device that may be leased, and finds the first of them. */
export function prepareCountWaiting(database: DatabaseSync) {
  const waiting = "device = ? AND status = 'queued' AND due_at_ms > ?";
  const count = database.prepare(`SELECT count(*) AS count FROM command WHERE ${waiting}`);
  const first = database.prepare(
    `SELECT id FROM command WHERE ${waiting} ORDER BY priority DESC, seq LIMIT 1`,
  );
  return (device: DeviceId, nowMs: number): WaitingCommands | undefined => {
    const row = first.get(device, nowMs);
    if (row === undefined) return undefined;
    return { count: Number(count.get(device, nowMs)?.["count"]), first: row["id"] as CommandId };
  };
}

/** Forgets commands that ended long ago, and with them their keys; says how many. */
export function prepareForgetCommands(database: DatabaseSync, rowsMax: number) {
  const forget = database.prepare(
    `DELETE FROM command WHERE seq IN (
       SELECT seq FROM command WHERE finished_at_ms <= ? ORDER BY finished_at_ms LIMIT ${rowsMax})`,
  );
  return (nowMs: number) => Number(forget.run(nowMs - LIMITS.commandKeptMs).changes);
}

/** The records in rows that were read. */
export function toRecords(
  rows: readonly Record<string, SQLOutputValue>[],
): readonly CommandRecord[] {
  return rows.map(decodeRow);
}

function toRecord(row: Record<string, SQLOutputValue> | undefined): CommandRecord | undefined {
  return row && decodeRow(row);
}

/** Only records were ever stored, so the brands hold. */
function decodeRow(row: Record<string, SQLOutputValue>): CommandRecord {
  return JSON.parse(String(row["record"]));
}

function movingColumns(record: CommandRecord) {
  const { status, finishedAtMs = null } = record;
  return [status, dueAtMs(record) ?? null, finishedAtMs, JSON.stringify(record)] as const;
}

/** Keys of different senders must not meet. */
function nameOf(sender: CommandSender): string {
  return sender.kind === "user" ? `user ${sender.user}` : sender.kind;
}
