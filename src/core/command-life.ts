import { type CommandRecord, type CommandStatus, isFinal } from "./command.ts";
import { type EncodedResult, exhaustedResult, missingResult } from "./command-result.ts";
import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";

/**
 * What can happen to a command. `lease`, `giveBack` and `tick` are the server's own moves; the others
 * are asked for by a device or a sender and may be refused.
 */
export type CommandInput =
  | {
      readonly kind: "lease";
      readonly nowMs: number;
      /** The poll, stream or socket that gets it. */
      readonly receiver: string;
      readonly leaseMs: number;
    }
  /** What this receiver leased never left the server, and is free for others. */
  | { readonly kind: "giveBack"; readonly nowMs: number; readonly receiver: string }
  | { readonly kind: "ack"; readonly nowMs: number; readonly resultTimeoutMs: number }
  | { readonly kind: "settle"; readonly nowMs: number; readonly result: EncodedResult }
  | { readonly kind: "cancel"; readonly nowMs: number }
  /** Time passed: ends what {@link dueAtMs} says is over, and shortens what lasts longer than it may. */
  | ({ readonly kind: "tick" } & CommandTick);

/** A moment, and for how long something may last that begins then. */
export interface CommandTick {
  readonly nowMs: number;
  readonly leaseMs: number;
  readonly resultTimeoutMs: number;
}

/** Why a move was refused. Each is the code of a fault. */
export type CommandRefusal =
  | "command_undelivered"
  | "command_leased"
  | "command_acked"
  | "command_settled";

export type CommandOutcome =
  /** To be stored and published. */
  | { readonly changed: CommandRecord }
  /** A repeat of what was done before, or a server's move that does not apply: nothing to do. */
  | { readonly unchanged: CommandRecord }
  | { readonly refused: CommandRefusal; readonly record: CommandRecord };

/** What a move makes of a command. */
export type CommandTransition =
  | CommandOutcome
  /** To be stored, but there is nothing to tell: to everybody else it is unchanged. */
  | { readonly adjusted: CommandRecord };

const REFUSAL_BY_STATUS = {
  queued: "command_undelivered",
  leased: "command_leased",
  acked: "command_acked",
  done: "command_settled",
  failed: "command_settled",
  expired: "command_settled",
  canceled: "command_settled",
} as const satisfies Record<CommandStatus, CommandRefusal>;

const SAID_OF = {
  queued: "was never delivered",
  leased: "is being delivered to its device",
  acked: "was acknowledged by its device",
  done: "is done",
  failed: "has failed",
  expired: "has expired",
  canceled: "was canceled",
} as const satisfies Record<CommandStatus, string>;

/**
 * The next step of a command's life. Pure: the store runs it inside the transaction that keeps the
 * outcome.
 *
 * What a device says is believed as long as the command has no end on record, however late it is: it
 * did the work. So an acknowledgement or a result also counts after the lease ended and while the
 * command is queued again or leased to another receiver.
 */
export function transition(record: CommandRecord, input: CommandInput): CommandTransition {
  switch (input.kind) {
    case "lease":
      return lease(record, input);
    case "giveBack":
      return giveBack(record, input.receiver);
    case "ack":
      return ack(record, input);
    case "settle":
      return settle(record, input);
    case "cancel":
      return cancel(record, input.nowMs);
    case "tick":
      return tick(record, input);
  }
}

/** When time alone changes the command; undefined when it never will. The store sweeps by this. */
export function dueAtMs(record: CommandRecord): number | undefined {
  switch (record.status) {
    case "queued":
      return record.expiresAtMs;
    case "leased":
      // Never after its ttl: see lease().
      return record.leaseUntilMs ?? record.expiresAtMs;
    case "acked":
      return record.resultUntilMs;
    default:
      return undefined;
  }
}

/**
 * The latest deadlines that can be of the present. What is later was dated before the machine's clock
 * was set back, and would stand still for as long as the clock needs to get there again. A ttl is the
 * sender's word and only lasts longer then.
 */
export function latestDeadlines({ nowMs, leaseMs, resultTimeoutMs }: CommandTick): {
  readonly leased: number;
  readonly acked: number;
} {
  const latestMs = nowMs + LIMITS.clockSlackMs;
  return { leased: latestMs + leaseMs, acked: latestMs + resultTimeoutMs };
}

/** The refusal as its remote party hears it. */
export function refusalFault({
  refused,
  record,
}: Extract<CommandOutcome, { refused: CommandRefusal }>): Fault {
  return new Fault(refused, { detail: `command "${record.id}" ${SAID_OF[record.status]}` });
}

function lease(
  record: CommandRecord,
  { nowMs, receiver, leaseMs }: Extract<CommandInput, { kind: "lease" }>,
): CommandOutcome {
  if (record.status !== "queued" || nowMs >= record.expiresAtMs) return { unchanged: record };
  return {
    changed: {
      ...record,
      status: "leased",
      attempt: record.attempt + 1,
      receiver,
      // A lease that outlived the ttl would hide from the sender that the ttl is over.
      leaseUntilMs: Math.min(nowMs + leaseMs, record.expiresAtMs),
    },
  };
}

function giveBack(record: CommandRecord, receiver: string): CommandOutcome {
  if (record.status !== "leased" || record.receiver !== receiver) return { unchanged: record };
  return { changed: { ...withoutDeadlines(record), status: "queued" } };
}

function ack(
  record: CommandRecord,
  { nowMs, resultTimeoutMs }: Extract<CommandInput, { kind: "ack" }>,
): CommandOutcome {
  const { status } = record;
  // Behind a result it is the repeat of an earlier one that was overtaken.
  if (status === "acked" || status === "done" || status === "failed") return { unchanged: record };
  if (!maybeAtDevice(record)) return refuse(record);
  const resultUntilMs = nowMs + resultTimeoutMs;
  return { changed: { ...withoutDeadlines(record), status: "acked", resultUntilMs } };
}

function settle(
  record: CommandRecord,
  { nowMs, result }: Extract<CommandInput, { kind: "settle" }>,
): CommandOutcome {
  if (record.result === result.text) return { unchanged: record };
  return maybeAtDevice(record) ? { changed: settled(record, result, nowMs) } : refuse(record);
}

function cancel(record: CommandRecord, nowMs: number): CommandOutcome {
  if (record.status === "canceled") return { unchanged: record };
  return record.status === "queued"
    ? { changed: finished(record, "canceled", nowMs) }
    : refuse(record);
}

function tick(record: CommandRecord, input: CommandTick): CommandTransition {
  const { nowMs } = input;
  const dueMs = dueAtMs(record);
  if (dueMs === undefined) return { unchanged: record };
  if (nowMs < dueMs) return shorten(record, input);
  if (record.status === "acked") return { changed: settled(record, missingResult(), nowMs) };
  if (isExhausted(record)) {
    return { changed: settled(record, exhaustedResult(record.attempt), nowMs) };
  }
  return {
    changed:
      nowMs >= record.expiresAtMs
        ? finished(record, "expired", nowMs)
        : { ...withoutDeadlines(record), status: "queued" },
  };
}

/** Whoever has it keeps it for a whole lease from now on: it did nothing wrong. */
function shorten(record: CommandRecord, input: CommandTick): CommandTransition {
  const { nowMs, leaseMs, resultTimeoutMs } = input;
  const latest = latestDeadlines(input);
  const { status, leaseUntilMs = 0, resultUntilMs = 0 } = record;
  if (status === "leased" && leaseUntilMs > latest.leased) {
    return { adjusted: { ...record, leaseUntilMs: nowMs + leaseMs } };
  }
  if (status === "acked" && resultUntilMs > latest.acked) {
    return { adjusted: { ...record, resultUntilMs: nowMs + resultTimeoutMs } };
  }
  return { unchanged: record };
}

/** Whether its last delivery came to nothing. One that the ttl has cut short did not have its chance. */
function isExhausted({ leaseUntilMs, expiresAtMs, attempt, maxAttempts }: CommandRecord): boolean {
  if (leaseUntilMs === undefined || leaseUntilMs >= expiresAtMs) return false;
  return maxAttempts !== undefined && attempt >= maxAttempts;
}

/** Whether the device may have it and no end is on record. */
function maybeAtDevice({ status, attempt }: CommandRecord): boolean {
  return !isFinal(status) && attempt > 0;
}

function refuse(record: CommandRecord): CommandOutcome {
  return { refused: REFUSAL_BY_STATUS[record.status], record };
}

function settled(record: CommandRecord, { ok, text }: EncodedResult, nowMs: number): CommandRecord {
  return { ...finished(record, ok ? "done" : "failed", nowMs), result: text };
}

function finished(record: CommandRecord, status: CommandStatus, nowMs: number): CommandRecord {
  return { ...withoutDeadlines(record), status, finishedAtMs: nowMs };
}

function withoutDeadlines(record: CommandRecord): CommandRecord {
  const { receiver: _receiver, leaseUntilMs: _lease, resultUntilMs: _result, ...rest } = record;
  return rest;
}
