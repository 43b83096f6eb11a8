import type { DatabaseSync } from "node:sqlite";
import { LIMITS } from "../../core/limits.ts";
import type { OutboxEntry } from "../../core/ports/outbox.ts";
import { OUTBOX_BOUNDS, prepareHasRoom, prepareOrder, prepareTrimDead } from "./outbox-rows.ts";

/** Puts entries in the outbox, in the running transaction; what finds no room there is dead at once. */
export function prepareAddToOutbox(database: DatabaseSync, bounds = OUTBOX_BOUNDS) {
  const insert = database.prepare(
    `INSERT INTO outbox (endpoint, id, type, order_key, created_at_ms, due_at_ms, held,
       died_at_ms, why, forget_at_ms, body, traceparent, tracestate)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (endpoint, id) DO NOTHING`,
  );
  const hasRoom = prepareHasRoom(database, bounds);
  const order = prepareOrder(database, bounds);
  const trimDead = prepareTrimDead(database, bounds);
  return (entries: readonly OutboxEntry[], nowMs: number): void => {
    for (const entry of entries) {
      const { endpoint, id, type, orderKey, createdAtMs, body, trace } = entry;
      const isFull = !hasRoom(endpoint);
      const isHeld = !isFull && order.holdsBack(entry);
      const death = isFull ? ([nowMs, "found no room in the outbox"] as const) : [null, null];
      insert.run(
        ...[endpoint, id, type, orderKey, createdAtMs, nowMs, Number(isHeld)],
        ...[...death, nowMs + LIMITS.outboxKeptMs, body],
        ...[trace?.traceparent ?? null, trace?.tracestate ?? null],
      );
      if (isFull) trimDead(endpoint);
    }
  };
}

/** What was forgotten of the outbox. */
export interface ForgottenOutbox {
  readonly rows: number;
  /** Those nobody was told of, by endpoint; of a dead letter it was said when it died. */
  readonly waiting: Readonly<Record<string, number>>;
}

/** Forgets what is past its time, also of endpoints that are no more. */
export function prepareForgetOutbox(database: DatabaseSync, rowsMax: number) {
  const remove = database.prepare(
    `DELETE FROM outbox WHERE seq IN (
       SELECT seq FROM outbox WHERE forget_at_ms <= ? ORDER BY forget_at_ms LIMIT ${rowsMax})
     RETURNING endpoint, order_key, died_at_ms IS NULL AS waits`,
  );
  const order = prepareOrder(database, OUTBOX_BOUNDS);
  return (nowMs: number): ForgottenOutbox => {
    const removed = remove.all(nowMs);
    const waiting: Record<string, number> = {};
    for (const row of removed) {
      const endpoint = String(row["endpoint"]);
      order.advance({ endpoint, orderKey: String(row["order_key"]) });
      if (row["waits"] === 1) waiting[endpoint] = (waiting[endpoint] ?? 0) + 1;
    }
    return { rows: removed.length, waiting };
  };
}
