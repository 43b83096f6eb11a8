import type { DatabaseSync } from "node:sqlite";
import type { CommandId, CommandRecord } from "../../core/command.ts";
import {
  type CommandInput,
  type CommandOutcome,
  type CommandTick,
  latestDeadlines,
  transition,
} from "../../core/command-life.ts";
import { commandEvent } from "../../core/command-text.ts";
import type { DeviceId } from "../../core/device-id.ts";
import { LIMITS } from "../../core/limits.ts";
import type { OwnEventRules } from "../../core/own-event.ts";
import type { LeaseRequest, SentUnderKey } from "../../core/ports/command-queue.ts";
import {
  type CommandRef,
  prepareCommandRows,
  prepareCountOpen,
  prepareCountWaiting,
  prepareFindCommand,
  prepareFindUnderKey,
  toRecords,
} from "./command-rows.ts";
import { prepareHasDevice } from "./device-rows.ts";
import type { Tell, Telling, Told } from "./own-event-statements.ts";

/** A changed command, with what was published about it. */
interface ToldChange {
  readonly changed: CommandRecord;
  readonly told: Told;
}

interface Ruled {
  readonly rules: OwnEventRules;
}

type AddInput = Ruled & { readonly command: CommandRecord };
type LeaseInput = Ruled & { readonly request: LeaseRequest };
type MoveInput = Ruled & { readonly ref: CommandRef; readonly move: CommandInput };

type AddOutput =
  | { readonly told: Told }
  | { readonly existing: CommandRecord }
  | { readonly unknown: true }
  | { readonly full: number };

export type MoveOutput = ToldChange | Exclude<CommandOutcome, { readonly changed: CommandRecord }>;

/** Commands that one tick ends; with its data and result each weighs up to 128 KiB. */
const DUE_COMMANDS_MAX = 100;

/** Takes commands through their lives. Each change is told of in the transaction that makes it. */
export function prepareCommandChanges(database: DatabaseSync, tell: Tell) {
  const rows = prepareCommandRows(database);
  const hasDevice = prepareHasDevice(database);
  const find = prepareFindCommand(database);
  const countOpen = prepareCountOpen(database);

  const change = (record: CommandRecord, move: CommandInput, telling: Telling): MoveOutput => {
    const outcome = transition(record, move);
    if ("adjusted" in outcome) {
      rows.update(outcome.adjusted);
      return { unchanged: outcome.adjusted };
    }
    if (!("changed" in outcome)) return outcome;
    rows.update(outcome.changed);
    return {
      changed: outcome.changed,
      told: tell(commandEvent(outcome.changed, move.nowMs), telling),
    };
  };

  return {
    addCommand({ command, rules }: AddInput, nowMs: number): AddOutput {
      if (!hasDevice(command.device)) return { unknown: true };
      const existing = rows.sameKey(command);
      if (existing) return { existing };
      const open = countOpen(command.device);
      if (open >= LIMITS.commandsQueuedPerDevice) return { full: open };
      rows.insert(command);
      return { told: tell(commandEvent(command, command.createdAtMs), { rules, nowMs }) };
    },
    leaseCommands({ request, rules }: LeaseInput, nowMs: number): readonly ToldChange[] {
      const lease = { ...request, kind: "lease" } as const;
      return rows
        .waiting(request)
        .map((record) => change(record, lease, { rules, nowMs }))
        .filter((outcome) => "changed" in outcome);
    },
    moveCommand({ ref, move, rules }: MoveInput, nowMs: number): MoveOutput | undefined {
      const record = find(ref);
      return record && change(record, move, { rules, nowMs });
    },
  };
}

/** Reads commands. */
export function prepareCommandReads(database: DatabaseSync) {
  const newest = database.prepare(
    "SELECT record FROM command WHERE device = ? ORDER BY seq DESC LIMIT ?",
  );
  const place = database.prepare("SELECT seq FROM command WHERE id = ? AND device = ?");
  const older = database.prepare(
    "SELECT record FROM command WHERE device = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
  );
  const leased = database.prepare(
    `SELECT record FROM command WHERE device = ? AND status = 'leased' AND due_at_ms IS NOT NULL
     AND record ->> '$.receiver' = ?
     ORDER BY priority DESC, seq LIMIT ${LIMITS.commandsPerFetch}`,
  );
  const waitedFor = database.prepare(
    `SELECT DISTINCT device FROM command
     WHERE device > ? AND status = 'queued' AND due_at_ms > ? ORDER BY device LIMIT ?`,
  );
  const find = prepareFindCommand(database);
  const findUnderKey = prepareFindUnderKey(database);
  const countOpen = prepareCountOpen(database);
  const due = prepareDueCommands(database);
  return {
    waitingCommands: prepareCountWaiting(database),
    command: (ref: CommandRef): CommandRecord | undefined => find(ref),
    commandUnderKey: (sent: SentUnderKey): CommandRecord | undefined => findUnderKey(sent),
    commands(page: {
      readonly device: DeviceId;
      readonly before: CommandId | null;
      readonly limit: number;
    }): readonly CommandRecord[] | undefined {
      const { device, before, limit } = page;
      if (before === null) return toRecords(newest.all(device, limit));
      const row = place.get(before, device);
      return row && toRecords(older.all(device, Number(row["seq"]), limit));
    },
    commandsLeasedTo(lease: Pick<LeaseRequest, "device" | "receiver">): readonly CommandRecord[] {
      return toRecords(leased.all(lease.device, lease.receiver));
    },
    devicesWaitedFor(
      { after, limit }: { readonly after: string; readonly limit: number },
      nowMs: number,
    ): readonly DeviceId[] {
      return waitedFor.all(after, nowMs, limit).map(({ device }) => String(device) as DeviceId);
    },
    openCommands: (device: DeviceId): number => countOpen(device),
    dueCommands: (tick: CommandTick): readonly CommandRef[] => due(tick),
  };
}

/** Finds the commands that a tick changes: longest overdue first, and then what is due too late. */
function prepareDueCommands(database: DatabaseSync) {
  const due = database.prepare(
    `SELECT id, device FROM command WHERE due_at_ms <= ?
     ORDER BY due_at_ms, seq LIMIT ${DUE_COMMANDS_MAX}`,
  );
  const dueTooLate = (status: "leased" | "acked") =>
    database.prepare(
      `SELECT id, device FROM command WHERE status = '${status}' AND due_at_ms > ?
       ORDER BY due_at_ms LIMIT ${DUE_COMMANDS_MAX}`,
    );
  const leasedTooLong = dueTooLate("leased");
  const ackedTooLong = dueTooLate("acked");
  return (tick: CommandTick): readonly CommandRef[] => {
    const { leased, acked } = latestDeadlines(tick);
    const found = [
      ...due.all(tick.nowMs),
      ...leasedTooLong.all(leased),
      ...ackedTooLong.all(acked),
    ];
    return found.slice(0, DUE_COMMANDS_MAX).map((row) => ({
      device: String(row["device"]) as DeviceId,
      id: String(row["id"]) as CommandId,
    }));
  };
}
