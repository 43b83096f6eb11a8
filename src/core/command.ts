import type { DeviceId } from "./device-id.ts";
import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";
import type { TraceContext } from "./trace-context.ts";
import { utf8Length } from "./utf8-length.ts";

declare const brand: unique symbol;

/** A well-formed command id. Only {@link parseCommandId} can make one. */
export type CommandId = string & { readonly [brand]: "CommandId" };

/**
 * Where a command is in its life: queued → leased → acked → done | failed, or expired | canceled on
 * the way. A lease that ends without an answer leads from leased back to queued.
 */
export type CommandStatus =
  | "queued"
  | "leased"
  | "acked"
  | "done"
  | "failed"
  | "expired"
  | "canceled";

/** Who sent a command. */
export type CommandSender =
  | { readonly kind: "backend" }
  | { readonly kind: "user"; readonly user: string };

/** A message to a device, with a life of its own. All of it is plain data, as the store keeps it. */
export interface CommandRecord {
  readonly id: CommandId;
  readonly device: DeviceId;
  readonly type: string;
  /** JSON text on one line, passed on as it was sent. */
  readonly data: string;
  readonly sender: CommandSender;
  /** The sender's own name for it: the same key for the same device again is the same command. Keys of different senders never collide. */
  readonly key?: string;
  /** 0 to {@link LIMITS.commandPriorityMax}; higher ones go first, equal ones in the order they came. */
  readonly priority: number;
  /** Deliveries after which it fails when none is acknowledged. Absent: only its ttl ends it. */
  readonly maxAttempts?: number;
  readonly status: CommandStatus;
  /** Deliveries begun. From 1 on the device may have seen it, also when it is queued again. */
  readonly attempt: number;
  readonly createdAtMs: number;
  /** Until when it waits for the device to acknowledge it. */
  readonly expiresAtMs: number;
  /** Only while leased: to whom, and until when that one may keep others from it. */
  readonly receiver?: string;
  readonly leaseUntilMs?: number;
  /** Only while acked: when its result counts as missing. */
  readonly resultUntilMs?: number;
  /** When it got its last status. */
  readonly finishedAtMs?: number;
  /** That of the request that sent it; all that is told of the command belongs to it. */
  readonly trace?: TraceContext;
  /** JSON text of how it ended, only when done or failed; made by `encodeResult`. */
  readonly result?: string;
}

/** What a sender asks for. */
export interface CommandRequest {
  readonly device: DeviceId;
  readonly type: string;
  /** JSON text on one line. */
  readonly data: string;
  readonly sender: CommandSender;
  readonly key?: string | undefined;
  /** 0 by default. */
  readonly priority?: number | undefined;
  /** {@link LIMITS.commandTtlMs} by default. */
  readonly ttlMs?: number | undefined;
  /** 1 to {@link LIMITS.commandAttemptsMax}; no bound by default. */
  readonly maxAttempts?: number | undefined;
  /** What sends it again with the same key may have another. */
  readonly trace?: TraceContext | undefined;
}

const COMMAND_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;

/** Turns untrusted text into a {@link CommandId}; what cannot be one is `command_unknown`. */
export function parseCommandId(text: string): CommandId {
  if (COMMAND_ID_PATTERN.test(text)) return text as CommandId;
  const detail = `there is no command ${JSON.stringify(text.slice(0, 80))}`;
  throw new Fault("command_unknown", { detail });
}

/** The new command that a sender asked for, or throws `command_invalid`. */
export function enqueueCommand(
  request: CommandRequest,
  { id, nowMs }: { readonly id: CommandId; readonly nowMs: number },
): CommandRecord {
  const { device, data, sender, key, priority = 0, ttlMs = LIMITS.commandTtlMs } = request;
  const { maxAttempts, trace } = request;
  return {
    id,
    device,
    type: checkName("type", request.type, LIMITS.commandTypeMaxChars),
    data: checkData(data),
    sender,
    ...(key !== undefined && { key: checkName("key", key, LIMITS.commandKeyMaxChars) }),
    priority: checkNumber("priority", priority, [0, LIMITS.commandPriorityMax]),
    ...(maxAttempts !== undefined && {
      maxAttempts: checkNumber("max_attempts", maxAttempts, [1, LIMITS.commandAttemptsMax]),
    }),
    ...(trace && { trace }),
    status: "queued",
    attempt: 0,
    createdAtMs: nowMs,
    expiresAtMs:
      nowMs + checkNumber("ttl in ms", ttlMs, [LIMITS.commandTtlMinMs, LIMITS.commandTtlMaxMs]),
  };
}

/**
 * In what a request differs from the earlier command with its key, as its sender calls it. undefined:
 * the earlier one answers for both; otherwise the request is to be refused with `command_key_taken`.
 * What a request leaves out is as it was: who sends again need not know what it said before. Nor does
 * its ttl count: who sends again has less time left, and must not get more by it.
 */
export function differenceOf(earlier: CommandRecord, request: CommandRequest): string | undefined {
  const { type, data, priority, maxAttempts } = request;
  if (type !== earlier.type) return "type";
  if (data !== earlier.data) return "data";
  if (priority !== undefined && priority !== earlier.priority) return "priority";
  if (maxAttempts !== undefined && maxAttempts !== earlier.maxAttempts) return "max_attempts";
  return undefined;
}

/** True of a status that is the last one. */
export function isFinal(status: CommandStatus): boolean {
  return status !== "queued" && status !== "leased" && status !== "acked";
}

function checkName(what: string, text: string, maxChars: number): string {
  // Control characters could forge a line of a log; halves of characters would be stored as the same text.
  const isClean = text.isWellFormed() && !/\p{Cc}/u.test(text);
  if (isClean && text.length >= 1 && text.length <= maxChars) return text;
  const detail = `got the ${what} ${JSON.stringify(text.slice(0, 80))}, wanted 1 to ${maxChars} whole characters on one line`;
  throw new Fault("command_invalid", { detail });
}

function checkData(data: string): string {
  const bytes = utf8Length(data);
  if (bytes <= LIMITS.eventMaxBytes) return data;
  const detail = `got ${bytes} bytes of data, at most ${LIMITS.eventMaxBytes} are allowed`;
  throw new Fault("command_invalid", { detail });
}

function checkNumber(
  what: string,
  value: number,
  [least, most]: readonly [number, number],
): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const detail = `got the ${what} ${value}, wanted a whole number from ${least} to ${most}`;
  throw new Fault("command_invalid", { detail });
}
