import { afterEach, beforeEach, expect, test } from "bun:test";
import type { DatabaseSync } from "node:sqlite";
import { LIMITS } from "../../../src/core/limits.ts";
import type { OutboxEntry } from "../../../src/core/ports/outbox.ts";
import { openDatabase } from "../../../src/engine/sqlite/database.ts";
import { prepareOutbox } from "../../../src/engine/sqlite/outbox-operations.ts";
import { OUTBOX_BOUNDS, prepareOutboxCounts } from "../../../src/engine/sqlite/outbox-rows.ts";
import { prepareForgetOutbox } from "../../../src/engine/sqlite/outbox-statements.ts";
import { prepareUpkeep } from "../../../src/engine/sqlite/upkeep-statements.ts";

let database: DatabaseSync;
let outbox: ReturnType<typeof prepareOutbox>;

beforeEach(() => {
  const request = { type: "open-writing", location: "memory", sync: "full", seed: "s" } as const;
  database = openDatabase(request, (opened) => opened);
  const bounds = { rowsMax: 4, maxBytes: 1_000, deadLettersMax: 2, orderedFailures: 2 };
  outbox = prepareOutbox(database, bounds);
});
afterEach(() => database.close());

const entry = (id: string, orderKey = "", endpoint = "shop"): OutboxEntry => ({
  endpoint,
  id,
  type: "device.online",
  orderKey,
  body: "{}",
  createdAtMs: 1,
});
const add = (...entries: readonly OutboxEntry[]) => outbox.addToOutbox(entries, 1);
const take = (nowMs: number, endpoint = "shop") =>
  outbox
    .takeFromOutbox({ endpoint, nowMs, max: 100, leaseMs: 10 })
    .rows.map(({ id }) => id)
    .join();
const ref = (id: string, endpoint = "shop") => ({ endpoint, id });
const bury = (id: string, atMs = 1) =>
  outbox.buryOutboxRow({ ref: ref(id), atMs, why: "said no" }, atMs);
const kept = () =>
  database
    .prepare("SELECT id FROM outbox ORDER BY seq")
    .all()
    .map((row) => String(row["id"]))
    .join();

test("the counts are those of the rows, whatever happens to them", () => {
  const counted = prepareOutboxCounts(database);
  const expectCounts = (waiting: number, dead: number) => {
    expect(counted("shop")).toEqual({ waiting, waitingBytes: waiting * "{}".length, dead });
    const rows = database
      .prepare("SELECT died_at_ms IS NULL AS alive FROM outbox WHERE endpoint = 'shop'")
      .all();
    expect(rows.filter((row) => row["alive"]).length).toBe(waiting);
    expect(rows.length).toBe(waiting + dead);
  };
  expectCounts(0, 0);
  add(entry("1"), entry("2"), entry("2"), entry("3"), entry("1", "", "bank"));
  expectCounts(3, 0);
  outbox.endOutboxRow(ref("1"));
  outbox.endOutboxRow(ref("1"));
  bury("2");
  bury("2");
  expectCounts(1, 1);
  expect(outbox.replayDeadLetter(ref("2"), 1)).toBe("replayed");
  expectCounts(2, 0);
  add(entry("4"), entry("5"), entry("6"), entry("7"), entry("8"));
  expectCounts(4, 2);
  prepareForgetOutbox(database, 100)(1 + LIMITS.outboxKeptMs);
  expectCounts(0, 0);
});

test("a dead letter stays dead while its endpoint has no room for it", () => {
  add(entry("1"));
  bury("1");
  add(entry("2"), entry("3"), entry("4"), entry("5"));
  expect(outbox.replayDeadLetter(ref("1"), 1)).toBe("full");
  outbox.endOutboxRow(ref("2"));
  expect(outbox.replayDeadLetter(ref("1"), 1)).toBe("replayed");
});

test("a dead letter that comes back holds back younger ones, whatever those have been through", () => {
  add(entry("1", "door"), entry("2", "door"), entry("3", "door"));
  bury("1");
  for (let failures = 0; failures < 2; failures++) {
    outbox.retryOutboxRow({ ref: ref("2"), atMs: 1 });
  }
  expect(take(1)).toBe("2,3");
  expect(outbox.replayDeadLetter(ref("1"), 1)).toBe("replayed");
  expect(take(100)).toBe("1");
  outbox.endOutboxRow(ref("1"));
  expect(take(100)).toBe("2,3");
});

test("a dead letter that comes back behind one that holds back others waits for it", () => {
  add(entry("1", "door"), entry("2", "door"));
  bury("2");
  expect(outbox.replayDeadLetter(ref("2"), 1)).toBe("replayed");
  expect(take(1)).toBe("1");
  outbox.endOutboxRow(ref("1"));
  expect(take(1)).toBe("2");
});

test("what is too old is forgotten, a bounded number at a time, and younger rows go on", () => {
  const forget = prepareForgetOutbox(database, 2);
  add(entry("1", "door"), entry("2", "door"), entry("1", "", "gone"));
  outbox.addToOutbox([entry("3", "door")], 1_000);
  bury("2");
  expect(forget(LIMITS.outboxKeptMs)).toEqual({ rows: 0, waiting: {} });
  expect(forget(LIMITS.outboxKeptMs + 1)).toEqual({ rows: 2, waiting: { shop: 1 } });
  expect(forget(LIMITS.outboxKeptMs + 1)).toEqual({ rows: 1, waiting: { gone: 1 } });
  expect(kept()).toBe("3");
  expect(take(1_000)).toBe("3");
});

test("a dead letter is kept from its death, and a replayed one from its replay", () => {
  const forget = prepareForgetOutbox(database, 10);
  add(entry("1"), entry("2"));
  bury("1", 500);
  bury("2", 500);
  outbox.replayDeadLetter(ref("2"), 1_000);
  forget(499 + LIMITS.outboxKeptMs);
  expect(kept()).toBe("1,2");
  forget(500 + LIMITS.outboxKeptMs);
  expect(kept()).toBe("2");
  forget(1_000 + LIMITS.outboxKeptMs);
  expect(kept()).toBe("");
});

test("the sweep forgets what is too old, and says when there is more", () => {
  const full = prepareOutbox(database, OUTBOX_BOUNDS);
  full.addToOutbox(
    Array.from({ length: 250 }, (_, index) => entry(`e${index}`)),
    1,
  );
  const upkeep = prepareUpkeep(database);
  const more = [1, 2, 3].map(() => upkeep.sweep(null, LIMITS.outboxKeptMs + 1));
  expect(more).toEqual([
    { more: true, untold: { shop: 100 } },
    { more: true, untold: { shop: 100 } },
    { more: false, untold: { shop: 50 } },
  ]);
  expect(kept()).toBe("");
});

test("what is looked up of the outbox is indexed, and comes sorted", () => {
  const plan = (sql: string) =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map((row) => String(row["detail"]));
  const ready = "endpoint = 'e' AND died_at_ms IS NULL AND held = 0";
  const ofKey = "endpoint = 'e' AND order_key = 'k' AND died_at_ms IS NULL";
  const plans = [
    `SELECT body FROM outbox WHERE ${ready} AND due_at_ms <= 1 ORDER BY due_at_ms, seq LIMIT 5`,
    `SELECT due_at_ms FROM outbox WHERE ${ready} AND due_at_ms > 1 ORDER BY due_at_ms LIMIT 1`,
    `SELECT body FROM outbox INDEXED BY outbox_fresh WHERE ${ready} AND due_at_ms > 1
     AND failures = 0 ORDER BY due_at_ms, seq LIMIT 5`,
    `SELECT body FROM outbox WHERE ${ready} AND due_at_ms > 1 AND failures > 0
     ORDER BY due_at_ms, seq LIMIT 5`,
    `SELECT seq FROM outbox WHERE ${ofKey} AND failures < 5 ORDER BY seq LIMIT 1`,
    `UPDATE outbox SET held = 0 WHERE ${ofKey} AND held = 1 AND seq <= 5`,
    `UPDATE outbox SET held = 1 WHERE ${ofKey} AND seq > 3 AND seq <= 5`,
    "DELETE FROM outbox WHERE endpoint = 'e' AND id = 'i' AND died_at_ms IS NULL",
    `SELECT seq FROM outbox WHERE endpoint = 'e' AND died_at_ms IS NOT NULL
     ORDER BY died_at_ms, id LIMIT 5`,
    `SELECT body FROM outbox WHERE died_at_ms IS NOT NULL
     AND (endpoint, died_at_ms, id) > ('e', 1, 'i') ORDER BY endpoint, died_at_ms, id LIMIT 5`,
    `SELECT body FROM outbox WHERE died_at_ms IS NOT NULL AND endpoint = 'e'
     AND (died_at_ms, id) > (1, 'i') ORDER BY died_at_ms, id LIMIT 5`,
    "SELECT seq FROM outbox WHERE forget_at_ms <= 1 ORDER BY forget_at_ms LIMIT 5",
    "SELECT waiting FROM outbox_count WHERE endpoint = 'e'",
  ].flatMap(plan);
  const used = plans.map((detail) => /^SEARCH \w+ USING .*(?:INDEX (\w+)|KEY)/.exec(detail));
  expect(used.map((found) => found && (found[1] ?? "key"))).toEqual([
    "outbox_due",
    "outbox_due",
    "outbox_fresh",
    "outbox_due",
    "outbox_order",
    "outbox_order",
    "outbox_order",
    "sqlite_autoindex_outbox_1",
    "outbox_dead",
    "outbox_dead",
    "outbox_dead",
    "outbox_end",
    "key",
  ]);
});

test("a take costs no more with many rows that are held back, leased or not yet due", () => {
  const full = prepareOutbox(database, OUTBOX_BOUNDS);
  const many = (count: number, orderKey: (index: number) => string, from: string) =>
    Array.from({ length: count }, (_, index) => entry(`${from}${index}`, orderKey(index)));
  full.addToOutbox(
    many(20_000, () => "door", "held"),
    1,
  );
  full.addToOutbox(
    many(20_000, (index) => `d${index}`, "later"),
    1_000,
  );
  const query = { endpoint: "shop", nowMs: 1, max: 8, leaseMs: 1_000 } as const;
  expect(full.takeFromOutbox(query).rows.map(({ id }) => id)).toEqual(["held0"]);
  const startedMs = performance.now();
  for (let round = 0; round < 500; round++) expect(full.takeFromOutbox(query).rows).toEqual([]);
  // A scan of them takes some ten milliseconds each time.
  expect(performance.now() - startedMs).toBeLessThan(1_000);
});
