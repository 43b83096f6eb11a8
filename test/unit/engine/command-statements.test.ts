import { afterEach, beforeEach, expect, test } from "bun:test";
import type { DatabaseSync } from "node:sqlite";
import { type CommandRecord, enqueueCommand, parseCommandId } from "../../../src/core/command.ts";
import type { CommandInput } from "../../../src/core/command-life.ts";
import { encodeResult } from "../../../src/core/command-result.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { OwnEventRules } from "../../../src/core/own-event.ts";
import { openDatabase } from "../../../src/engine/sqlite/database.ts";
import { prepareOperations } from "../../../src/engine/sqlite/operations.ts";
import { prepareBatches } from "../../../src/engine/sqlite/transaction.ts";
import type { Call } from "../../../src/engine/sqlite/wire.ts";

const door = parseDeviceId("door");
const retention = { sizeMax: 100, ttlMs: 1_000_000 };
const rules: OwnEventRules = { retention, endpoints: {} };
const request = { device: door, receiver: "r1", max: 10, leaseMs: 1_000, nowMs: 1 };
const leaseAll: Call = { name: "leaseCommands", input: { request, rules } };

let database: DatabaseSync;

beforeEach(() => {
  database = openDatabase(
    { type: "open-writing", location: "memory", sync: "full", seed: "s" },
    (it) => it,
  );
});
afterEach(() => database.close());

beforeEach(() => {
  database.exec(
    "INSERT INTO device (id, name, secret_hash, created_at_ms) VALUES ('door', '', 'h', 0)",
  );
});

const make = (id: string, nowMs = 0): CommandRecord =>
  enqueueCommand(
    { device: door, type: "lock", data: "1", sender: { kind: "backend" } },
    { id: parseCommandId(id), nowMs },
  );
const add = (id: string): Call => ({
  name: "addCommand",
  input: { command: make(id), rules },
});
const move = (id: string, input: CommandInput): Call => ({
  name: "moveCommand",
  input: { ref: { device: door, id: parseCommandId(id) }, move: input, rules },
});

function run(...calls: readonly Call[]): unknown[] {
  const runBatch = prepareBatches(database, prepareOperations(database));
  const outcomes = runBatch({ type: "batch", access: "write", nowMs: 1, calls });
  return outcomes.map((outcome) => (outcome.ok ? outcome.value : outcome.failure.message));
}

/** Makes the store refuse every publication that has this text in it. */
function refusePublications(text: string): void {
  database.exec(`CREATE TRIGGER refuse BEFORE INSERT ON publication
    WHEN NEW.data LIKE '%${text}%' BEGIN SELECT RAISE(ABORT, 'refused'); END`);
}

const kept = () =>
  database
    .prepare("SELECT id, status FROM command ORDER BY seq")
    .all()
    .map((row) => `${row["id"]} ${row["status"]}`);
const topOffset = () =>
  Number(database.prepare("SELECT top_offset FROM channel").get()?.["top_offset"]);

test("a command whose publication cannot be stored is not added", () => {
  refusePublications('"c2"');
  expect(run(add("c1"), add("c2"), add("c3"))).toEqual([
    expect.objectContaining({ told: expect.objectContaining({ offset: 1 }) }),
    "refused",
    expect.objectContaining({ told: expect.objectContaining({ offset: 2 }) }),
  ]);
  expect(kept()).toEqual(["c1 queued", "c3 queued"]);
});

test("a lease of many that fails at one of them leases none and tells of none", () => {
  run(add("c1"), add("c2"), add("c3"));
  refusePublications("c2.leased");
  expect(run(leaseAll, move("c3", { kind: "cancel", nowMs: 1 }))).toEqual([
    "refused",
    expect.objectContaining({ told: expect.objectContaining({ offset: 4 }) }),
  ]);
  expect(kept()).toEqual(["c1 queued", "c2 queued", "c3 canceled"]);
  expect(topOffset()).toBe(4);
});

test.each([
  { to: "leased", calls: [leaseAll] },
  { to: "acked", calls: [leaseAll, move("c1", { kind: "ack", nowMs: 1, resultTimeoutMs: 9 })] },
  {
    to: "done",
    calls: [leaseAll, move("c1", { kind: "settle", nowMs: 1, result: encodeResult({ ok: true }) })],
  },
  { to: "canceled", calls: [move("c1", { kind: "cancel", nowMs: 1 })] },
  {
    to: "expired",
    calls: [
      move("c1", {
        ...{ kind: "tick", nowMs: LIMITS.commandTtlMs },
        ...{ leaseMs: 1_000, resultTimeoutMs: 9 },
      }),
    ],
  },
])("a step to $to without its publication is not taken", ({ to, calls }) => {
  run(add("c1"));
  refusePublications(`c1.${to}`);
  const before = calls.slice(0, -1);
  run(...before);
  const [state, top] = [kept(), topOffset()];
  expect(run(...calls.slice(-1))).toEqual(["refused"]);
  expect(kept()).toEqual(state);
  expect(topOffset()).toBe(top);
  database.exec("DROP TRIGGER refuse");
  run(...calls.slice(-1));
  expect(kept()).toEqual([`c1 ${to}`]);
});

test("a stream's life is counted from when the change was stored, not from its date", () => {
  const keeps = { ...retention, metaTtlMs: 1_000 };
  const input = { command: make("c1", -5_000), rules: { ...rules, retention: keeps } };
  run({ name: "addCommand", input });
  const row = database.prepare("SELECT expires_at_ms FROM channel").get();
  expect(Number(row?.["expires_at_ms"])).toBeGreaterThanOrEqual(1_001);
});

test("one sweep forgets a bounded number of commands, and says when there are more", () => {
  const insert = database.prepare(
    `INSERT INTO command (id, device, sender, priority, status, finished_at_ms, record)
     VALUES (?, 'door', 'backend', 0, 'done', 1, '{}')`,
  );
  for (let index = 0; index < 250; index++) insert.run(`c${index}`);
  const operations = prepareOperations(database);
  const left: number[] = [];
  for (let more = true; more; ) {
    ({ more } = operations.sweep(null, LIMITS.commandKeptMs + 1));
    left.push(kept().length);
  }
  expect(left).toEqual([150, 50, 0]);
});

test("what is looked up of commands is indexed, and comes sorted", () => {
  const plan = (sql: string) =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map((row) => String(row["detail"]));
  const plans = [
    "SELECT record FROM command WHERE id = 'c' AND device = 'd'",
    "SELECT record FROM command WHERE device = 'd' AND sender = 's' AND key = 'k'",
    `SELECT record FROM command WHERE device = 'd' AND status = 'queued' AND due_at_ms > 1
     ORDER BY priority DESC, seq LIMIT 5`,
    "SELECT count(*) FROM command WHERE device = 'd' AND due_at_ms IS NOT NULL",
    `SELECT record FROM command WHERE device = 'd' AND status = 'leased' AND due_at_ms IS NOT NULL
     AND record ->> '$.receiver' = 'r' ORDER BY priority DESC, seq LIMIT 5`,
    `SELECT DISTINCT device FROM command WHERE device > 'd' AND status = 'queued'
     AND due_at_ms > 1 ORDER BY device LIMIT 5`,
    "SELECT record FROM command WHERE device = 'd' ORDER BY seq DESC LIMIT 5",
    "SELECT record FROM command WHERE device = 'd' AND seq < 5 ORDER BY seq DESC LIMIT 5",
    "SELECT count(*) FROM command WHERE device = 'd' AND status = 'queued' AND due_at_ms > 1",
    "SELECT id FROM command WHERE due_at_ms <= 1 ORDER BY due_at_ms, seq LIMIT 5",
    "SELECT id FROM command WHERE status = 'leased' AND due_at_ms > 1 ORDER BY due_at_ms LIMIT 5",
    "SELECT id FROM command WHERE status = 'acked' AND due_at_ms > 1 ORDER BY due_at_ms LIMIT 5",
    "SELECT seq FROM command WHERE finished_at_ms <= 1 ORDER BY finished_at_ms LIMIT 5",
  ].flatMap(plan);
  expect(plans.map((detail) => /^SEARCH command USING .*INDEX (\w+)/.exec(detail)?.[1])).toEqual([
    "sqlite_autoindex_command_1",
    "command_key",
    "command_open",
    "command_open",
    "command_open",
    "command_open",
    "command_listing",
    "command_listing",
    "command_open",
    "command_due",
    "command_leased",
    "command_acked",
    "command_end",
  ]);
});
