import type { DatabaseSync } from "node:sqlite";
import { LIMITS } from "../../core/limits.ts";
import type { OutboxCounts } from "../../core/ports/outbox.ts";

/** How much one endpoint may hold, and how long its rows wait for each other. */
export interface OutboxBounds {
  readonly rowsMax: number;
  /** Of the bodies of those rows; the last one that has room may weigh more. */
  readonly maxBytes: number;
  readonly deadLettersMax: number;
  /** A row that failed fewer times than this holds back younger rows of its order key. */
  readonly orderedFailures: number;
}

/** Those of every store; tests take smaller ones. */
export const OUTBOX_BOUNDS: OutboxBounds = {
  rowsMax: LIMITS.outboxRowsMax,
  maxBytes: LIMITS.outboxMaxBytes,
  deadLettersMax: LIMITS.deadLettersMax,
  orderedFailures: LIMITS.webhookAttemptsInOrder,
};

/** What is delivered in order. */
interface OrderedRows {
  readonly endpoint: string;
  readonly orderKey: string;
}

/**
 * Keeps the column `held`, which spares `take` to look at rows that others hold back.
 *
 * Of each order key the first row that failed too seldom blocks; it and what is before it are free,
 * all that is after it is held.
 */
export function prepareOrder(database: DatabaseSync, { orderedFailures }: OutboxBounds) {
  const selectBlocker = database.prepare(
    `SELECT seq FROM outbox WHERE endpoint = ? AND order_key = ? AND died_at_ms IS NULL
     AND failures < ${orderedFailures} ORDER BY seq LIMIT 1`,
  );
  const free = database.prepare(
    `UPDATE outbox SET held = 0 WHERE endpoint = ? AND order_key = ? AND died_at_ms IS NULL
     AND held = 1 AND seq <= ?`,
  );
  const hold = database.prepare(
    `UPDATE outbox SET held = 1 WHERE endpoint = ? AND order_key = ? AND died_at_ms IS NULL
     AND seq > ? AND seq <= ?`,
  );
  const blocker = ({ endpoint, orderKey }: OrderedRows): number => {
    const row = selectBlocker.get(endpoint, orderKey);
    return row === undefined ? Number.MAX_SAFE_INTEGER : Number(row["seq"]);
  };
  return {
    /** Whether a row that comes after all others must wait. */
    holdsBack: (rows: OrderedRows): boolean =>
      rows.orderKey !== "" && blocker(rows) < Number.MAX_SAFE_INTEGER,
    /** Frees what waited for a row that is gone or has failed once more. */
    advance(rows: OrderedRows): void {
      if (rows.orderKey !== "") free.run(rows.endpoint, rows.orderKey, blocker(rows));
    },
    /** Brings a row back to its place by `revive`, which is told whether it must wait there. */
    insert(rows: OrderedRows, seq: number, revive: (isHeld: boolean) => void): void {
      const first = rows.orderKey === "" ? 0 : blocker(rows);
      revive(first !== 0 && first < seq);
      if (first > seq) hold.run(rows.endpoint, rows.orderKey, seq, first);
    },
  };
}

/** Counts what an endpoint holds; triggers of the schema do the counting. */
export function prepareOutboxCounts(database: DatabaseSync) {
  const select = database.prepare(
    "SELECT waiting, waiting_bytes, dead FROM outbox_count WHERE endpoint = ?",
  );
  return (endpoint: string): OutboxCounts => {
    const row = select.get(endpoint);
    return {
      waiting: Number(row?.["waiting"] ?? 0),
      waitingBytes: Number(row?.["waiting_bytes"] ?? 0),
      dead: Number(row?.["dead"] ?? 0),
    };
  };
}

/** Tells whether an endpoint has room for one more row. */
export function prepareHasRoom(database: DatabaseSync, { rowsMax, maxBytes }: OutboxBounds) {
  const count = prepareOutboxCounts(database);
  return (endpoint: string): boolean => {
    const { waiting, waitingBytes } = count(endpoint);
    return waiting < rowsMax && waitingBytes < maxBytes;
  };
}

/** Forgets the oldest deaths of an endpoint that has too many. */
export function prepareTrimDead(database: DatabaseSync, { deadLettersMax }: OutboxBounds) {
  const count = prepareOutboxCounts(database);
  const trim = database.prepare(
    `DELETE FROM outbox WHERE seq IN (
       SELECT seq FROM outbox WHERE endpoint = ? AND died_at_ms IS NOT NULL
       ORDER BY died_at_ms, id LIMIT ?)`,
  );
  return (endpoint: string): void => {
    const tooMany = count(endpoint).dead - deadLettersMax;
    if (tooMany > 0) trim.run(endpoint, tooMany);
  };
}
