import type { CommandRecord, CommandStatus } from "./command.ts";
import type { OwnEvent, OwnEventType } from "./own-event.ts";

const EVENT_BY_STATUS = {
  queued: "command.queued",
  leased: "command.sent",
  acked: "command.acked",
  done: "command.done",
  failed: "command.failed",
  expired: "command.expired",
  canceled: "command.canceled",
} as const satisfies Record<CommandStatus, OwnEventType>;

/**
 * The event that tells of the command's newest status; to be made once after every transition. The
 * command's own data is told once, when it is new; its result when it ends. Of its key only the backend
 * is told: it is the sender's, and none of those who listen.
 */
export function commandEvent(record: CommandRecord, timeMs: number): OwnEvent {
  const { id, device, status, attempt, key, trace } = record;
  return {
    // No command gets the same status twice at the same attempt.
    id: `${id}.${status}.${attempt}`,
    type: EVENT_BY_STATUS[status],
    device,
    timeMs,
    ...(trace && { trace }),
    data: eventData(withoutKey(record)),
    ...(key !== undefined && { backendData: eventData(record) }),
  };
}

/** A command for those who did not send it: the key is its sender's own. */
export function withoutKey({ key: _, ...record }: CommandRecord): CommandRecord {
  return record;
}

/** The JSON text of a command for whoever asks about it. */
export function encodeCommand(record: CommandRecord): string {
  return objectOf([
    ["id", quote(record.id)],
    ["device", quote(record.device)],
    ...commonMembers(record),
    ["data", record.data],
    ["result", record.result],
  ]);
}

/** The JSON text of a command for the device that is to obey it. */
export function encodeDelivery(record: CommandRecord): string {
  const { id, type, data, attempt, expiresAtMs, trace } = record;
  return objectOf([
    ["id", quote(id)],
    ["type", quote(type)],
    ["data", data],
    ["attempt", String(attempt)],
    ["expires_at", String(expiresAtMs)],
    ["traceparent", trace && quote(trace.traceparent)],
  ]);
}

function eventData(record: CommandRecord): string {
  const { id, status, attempt } = record;
  return objectOf([
    ["command", quote(id)],
    ...commonMembers(record),
    ["data", status === "queued" && attempt === 0 ? record.data : undefined],
    ["result", record.result],
  ]);
}

type Member = readonly [name: string, json: string | undefined];

function commonMembers(record: CommandRecord): readonly Member[] {
  const { type, status, attempt, maxAttempts, priority, sender, key, finishedAtMs } = record;
  return [
    ["type", quote(type)],
    ["status", quote(status)],
    ["attempt", String(attempt)],
    ["max_attempts", maxAttempts === undefined ? undefined : String(maxAttempts)],
    ["priority", String(priority)],
    ["sender", JSON.stringify(sender)],
    ["key", key === undefined ? undefined : quote(key)],
    ["created_at", String(record.createdAtMs)],
    ["expires_at", String(record.expiresAtMs)],
    ["finished_at", finishedAtMs === undefined ? undefined : String(finishedAtMs)],
  ];
}

/** Joins texts that are JSON already, so that no digit or key order of a payload changes. */
function objectOf(members: readonly Member[]): string {
  const present = members.filter(([, json]) => json !== undefined);
  return `{${present.map(([name, json]) => `"${name}":${json}`).join(",")}}`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
