import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { LIMITS } from "../../core/limits.ts";
import type {
  DeadLetter,
  OutboxEntry,
  OutboxRef,
  OutboxRow,
  OutboxTake,
  OutboxTaken,
  Replayed,
} from "../../core/ports/outbox.ts";
import type { TraceContext } from "../../core/trace-context.ts";
import {
  OUTBOX_BOUNDS,
  prepareHasRoom,
  prepareOrder,
  prepareOutboxCounts,
  prepareTrimDead,
} from "./outbox-rows.ts";
import { prepareAddToOutbox } from "./outbox-statements.ts";

const COLUMNS =
  "endpoint, id, type, order_key, body, created_at_ms, failures, traceparent, tracestate";

/** What is asked of the outbox from outside a transaction. */
export function prepareOutbox(database: DatabaseSync, bounds = OUTBOX_BOUNDS) {
  const addToOutbox = prepareAddToOutbox(database, bounds);
  return {
    addToOutbox: (entries: readonly OutboxEntry[], nowMs: number): void =>
      addToOutbox(entries, nowMs),
    takeFromOutbox: prepareTake(database),
    endOutboxLeases: prepareEndLeases(database),
    ...prepareOutcomes(database, bounds),
    replayDeadLetter: prepareReplay(database, bounds),
    deadLetters: prepareDeadLetters(database),
    outboxCounts: prepareOutboxCounts(database),
  };
}

function prepareTake(database: DatabaseSync) {
  const ready = "endpoint = ? AND died_at_ms IS NULL AND held = 0";
  const select = database.prepare(
    `SELECT seq, ${COLUMNS} FROM outbox WHERE ${ready} AND due_at_ms <= ?
     ORDER BY due_at_ms, seq LIMIT ?`,
  );
  const dueTooLate = prepareDueTooLate(database);
  const next = database.prepare(
    `SELECT due_at_ms FROM outbox WHERE ${ready} AND due_at_ms > ? ORDER BY due_at_ms LIMIT 1`,
  );
  // A lease is a due time like any other: whoever took the row may never come back.
  const lease = database.prepare("UPDATE outbox SET due_at_ms = ? WHERE seq = ?");
  return (query: OutboxTake): OutboxTaken => {
    const { endpoint, nowMs, max, leaseMs } = query;
    const due = select.all(endpoint, nowMs, max);
    const taken = due.length < max ? [...due, ...dueTooLate(query, max - due.length)] : due;
    for (const row of taken) lease.run(nowMs + leaseMs, Number(row["seq"]));
    const later = next.get(endpoint, nowMs);
    return {
      rows: taken.toSorted((a, b) => Number(a["seq"]) - Number(b["seq"])).map(toRow),
      ...(later && { nextAtMs: Number(later["due_at_ms"]) }),
    };
  };
}

/** A row that never failed was due when it was added, so one that is due later was taken. */
function prepareEndLeases(database: DatabaseSync) {
  const end = database.prepare(
    `UPDATE outbox SET due_at_ms = min(created_at_ms, ?1)
     WHERE died_at_ms IS NULL AND held = 0 AND failures = 0 AND due_at_ms > ?1`,
  );
  return (_: null, nowMs: number): void => void end.run(nowMs);
}

/** Finds rows dated before the clock was set back: they would wait until the clock is there again. */
function prepareDueTooLate(database: DatabaseSync) {
  const ready = "endpoint = ? AND died_at_ms IS NULL AND held = 0 AND due_at_ms > ?";
  const fresh = database.prepare(
    `SELECT seq, ${COLUMNS} FROM outbox INDEXED BY outbox_fresh WHERE ${ready} AND failures = 0
     ORDER BY due_at_ms, seq LIMIT ?`,
  );
  const failed = database.prepare(
    `SELECT seq, ${COLUMNS} FROM outbox WHERE ${ready} AND failures > 0
     ORDER BY due_at_ms, seq LIMIT ?`,
  );
  return ({ endpoint, nowMs, leaseMs }: OutboxTake, max: number) => {
    const found = fresh.all(endpoint, nowMs + leaseMs + LIMITS.clockSlackMs, max);
    const room = max - found.length;
    return [...found, ...failed.all(endpoint, nowMs + LIMITS.outboxWaitMaxMs, room)];
  };
}

interface RetryInput {
  readonly ref: OutboxRef;
  readonly atMs: number;
}

interface BuryInput {
  readonly ref: OutboxRef;
  readonly atMs: number;
  readonly why: string;
}

const WAITING = "WHERE endpoint = ? AND id = ? AND died_at_ms IS NULL RETURNING order_key";

function prepareOutcomes(database: DatabaseSync, bounds: typeof OUTBOX_BOUNDS) {
  const remove = database.prepare(`DELETE FROM outbox ${WAITING}`);
  const retry = database.prepare(
    `UPDATE outbox SET failures = failures + 1, due_at_ms = ? ${WAITING}`,
  );
  const bury = database.prepare(
    `UPDATE outbox SET failures = failures + 1, died_at_ms = ?, why = ?, forget_at_ms = ? ${WAITING}`,
  );
  const order = prepareOrder(database, bounds);
  const trimDead = prepareTrimDead(database, bounds);
  const advance = (endpoint: string, row: Record<string, SQLOutputValue> | undefined): void => {
    if (row) order.advance({ endpoint, orderKey: String(row["order_key"]) });
  };
  return {
    endOutboxRow({ endpoint, id }: OutboxRef): void {
      advance(endpoint, remove.get(endpoint, id));
    },
    retryOutboxRow({ ref: { endpoint, id }, atMs }: RetryInput): void {
      advance(endpoint, retry.get(atMs, endpoint, id));
    },
    buryOutboxRow({ ref: { endpoint, id }, atMs, why }: BuryInput, nowMs: number): void {
      const forgetAtMs = nowMs + LIMITS.outboxKeptMs;
      advance(endpoint, bury.get(atMs, why, forgetAtMs, endpoint, id));
      trimDead(endpoint);
    },
  };
}

function prepareReplay(database: DatabaseSync, bounds: typeof OUTBOX_BOUNDS) {
  const find = database.prepare(
    `SELECT seq, order_key FROM outbox
     WHERE endpoint = ? AND id = ? AND died_at_ms IS NOT NULL`,
  );
  const revive = database.prepare(
    `UPDATE outbox SET died_at_ms = NULL, why = NULL, failures = 0, held = ?, due_at_ms = ?,
       forget_at_ms = ? WHERE seq = ?`,
  );
  const hasRoom = prepareHasRoom(database, bounds);
  const order = prepareOrder(database, bounds);
  return ({ endpoint, id }: OutboxRef, nowMs: number): Replayed => {
    const letter = find.get(endpoint, id);
    if (!letter) return "unknown";
    if (!hasRoom(endpoint)) return "full";
    const seq = Number(letter["seq"]);
    order.insert({ endpoint, orderKey: String(letter["order_key"]) }, seq, (isHeld) => {
      revive.run(Number(isHeld), nowMs, nowMs + LIMITS.outboxKeptMs, seq);
    });
    return "replayed";
  };
}

interface DeadLettersInput {
  /** Null: of every endpoint. */
  readonly endpoint: string | null;
  readonly after: Pick<DeadLetter, "endpoint" | "diedAtMs" | "id">;
  readonly limit: number;
}

function prepareDeadLetters(database: DatabaseSync) {
  const select = `SELECT ${COLUMNS}, died_at_ms, why FROM outbox WHERE died_at_ms IS NOT NULL`;
  const ofAll = database.prepare(
    `${select} AND (endpoint, died_at_ms, id) > (?, ?, ?) ORDER BY endpoint, died_at_ms, id LIMIT ?`,
  );
  const ofOne = database.prepare(
    `${select} AND endpoint = ? AND (died_at_ms, id) > (?, ?) ORDER BY died_at_ms, id LIMIT ?`,
  );
  return ({ endpoint, after, limit }: DeadLettersInput): readonly DeadLetter[] => {
    const { diedAtMs, id } = after;
    const rows =
      endpoint === null
        ? ofAll.all(after.endpoint, diedAtMs, id, limit)
        : ofOne.all(endpoint, diedAtMs, id, limit);
    return rows.map((row) => ({
      ...toRow(row),
      diedAtMs: Number(row["died_at_ms"]),
      why: String(row["why"]),
    }));
  };
}

function toRow(row: Record<string, SQLOutputValue>): OutboxRow {
  return {
    endpoint: String(row["endpoint"]),
    id: String(row["id"]),
    type: String(row["type"]),
    orderKey: String(row["order_key"]),
    body: String(row["body"]),
    createdAtMs: Number(row["created_at_ms"]),
    failures: Number(row["failures"]),
    ...(row["traceparent"] !== null && { trace: toTrace(row) }),
  };
}

function toTrace(row: Record<string, SQLOutputValue>): TraceContext {
  const state = row["tracestate"];
  const traceparent = String(row["traceparent"]);
  return { traceparent, ...(state !== null && { tracestate: String(state) }) };
}
