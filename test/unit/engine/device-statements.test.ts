import { afterEach, beforeEach, expect, test } from "bun:test";
import type { DatabaseSync } from "node:sqlite";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { parseStatePatch } from "../../../src/core/device-state.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { OwnEventRules } from "../../../src/core/own-event.ts";
import type { NewDevice } from "../../../src/core/ports/device-records.ts";
import { openDatabase } from "../../../src/engine/sqlite/database.ts";
import { type Operations, prepareOperations } from "../../../src/engine/sqlite/operations.ts";
import { prepareBatches } from "../../../src/engine/sqlite/transaction.ts";
import type { Call } from "../../../src/engine/sqlite/wire.ts";

const door = parseDeviceId("door");
const rules: OwnEventRules = {
  retention: { sizeMax: 100, ttlMs: 1_000_000 },
  endpoints: { "device.online": ["shop"], "device.state": ["shop"], "command.queued": ["shop"] },
};
const change = { device: door, online: true, atMs: 1, reason: "held" } as const;
const goOnline: Call = { name: "changePresence", input: { change, rules } };
const patchState: Call = {
  name: "patchDeviceState",
  input: {
    device: door,
    change: { side: "reported", patch: parseStatePatch('{"n":1}'), nowMs: 1 },
    rules,
  },
};

let database: DatabaseSync;
let operations: Operations;

beforeEach(() => {
  database = openDatabase(
    { type: "open-writing", location: "memory", sync: "full", seed: "s" },
    (it) => it,
  );
  operations = prepareOperations(database);
});
afterEach(() => database.close());

const make = (id: string): NewDevice => ({
  id: parseDeviceId(id),
  name: "",
  meta: "{}",
  secretHash: "h",
  enrollment: "closed",
  createdAtMs: 0,
});

function run(...calls: readonly Call[]): unknown[] {
  const runBatch = prepareBatches(database, operations);
  const outcomes = runBatch({ type: "batch", access: "write", nowMs: 1, calls });
  return outcomes.map((outcome) => (outcome.ok ? outcome.value : outcome.failure.message));
}

const countOf = (table: string) =>
  Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"]);

/** Fills a table by itself, much faster than through its operations. */
function fill(count: number, insert: string): void {
  database.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    ${insert}`);
}

test("addDevice() refuses more devices than there may be, but still knows a taken id", () => {
  fill(
    LIMITS.devicesMax - 1,
    `INSERT INTO device (id, name, secret_hash, created_at_ms) SELECT 'd' || i, '', 'h', 0 FROM n`,
  );
  expect(operations.addDevice(make("last"))).toBe("added");
  expect(operations.addDevice(make("more"))).toBe("full");
  expect(operations.addDevice(make("d7"))).toBe("taken");
  expect(countOf("device")).toBe(LIMITS.devicesMax);
  operations.removeDevice(parseDeviceId("d7"));
  expect(operations.addDevice(make("more"))).toBe("added");
});

test("one round of a removal forgets a bounded number of ended commands, and no open ones", () => {
  operations.addDevice(make("door"));
  const insert = (ended: string, id: string) =>
    `INSERT INTO command (id, device, sender, priority, status, due_at_ms, finished_at_ms, record)
     SELECT ${id}, 'door', 'backend', 0, 's', 1, ${ended}, '{}' FROM n`;
  fill(450, insert("1", "'e' || i"));
  fill(30, insert("NULL", "'o' || i"));
  const left: number[] = [];
  for (let more = true; more; ) {
    more = operations.forgetEndedCommands(door);
    left.push(countOf("command"));
  }
  expect(left).toEqual([280, 80, 30]);
  operations.removeDevice(door);
  expect(countOf("command")).toBe(0);
});

test("one round of a removal forgets a bounded number of ids, and the last one what came meanwhile", () => {
  operations.addDevice(make("door"));
  const insert = (scope: string) =>
    `INSERT INTO dedupe (scope, id, expires_at_ms, epoch, offset)
     SELECT '${scope}', 'i' || i, 9, 'e', i FROM n`;
  fill(1_100, insert("door"));
  fill(3, insert("doors"));
  const left: number[] = [];
  for (let more = true; more; ) {
    more = operations.forgetEventIds(door);
    left.push(countOf("dedupe"));
  }
  expect(left).toEqual([603, 103, 3]);
  fill(2, insert("door"));
  operations.removeDevice(door);
  expect(countOf("dedupe")).toBe(3);
});

test("a device is added among many without counting them", () => {
  const plan = database.prepare("EXPLAIN QUERY PLAN SELECT devices FROM device_count").all();
  expect(plan.map((row) => row["detail"])).toEqual(["SCAN device_count"]);
  fill(
    90_000,
    `INSERT INTO device (id, name, secret_hash, created_at_ms, meta)
     SELECT 'd' || i, '', 'h', 0, '${"x".repeat(200)}' FROM n`,
  );
  const startedMs = performance.now();
  for (let index = 0; index < 200; index++) operations.addDevice(make(`new${index}`));
  // To count them takes some thirty milliseconds each time.
  expect(performance.now() - startedMs).toBeLessThan(1_000);
});

test("the count of devices is theirs, whatever happens to them", () => {
  const counted = () => database.prepare("SELECT devices FROM device_count").get()?.["devices"];
  expect(counted()).toBe(0);
  for (const id of ["a", "b", "b", "c"]) operations.addDevice(make(id));
  expect(counted()).toBe(3);
  operations.removeDevice(parseDeviceId("b"));
  operations.removeDevice(parseDeviceId("b"));
  expect(counted()).toBe(2);
});

test("generations go on in a bucket, so that they are kept for any number of devices", () => {
  const once = (device: string, online: boolean) => {
    const input = { change: { ...change, device: parseDeviceId(device), online }, rules };
    return operations.changePresence(input, 1)?.transition.generation;
  };
  operations.addDevice(make("door"));
  for (const online of [true, false, true]) once("door", online);
  operations.removeDevice(door);
  expect(countOf("former_device")).toBe(1);
  database.exec("UPDATE former_device SET generation = 40");
  operations.addDevice(make("door"));
  expect([once("door", true), once("door", false)]).toEqual([41, 42]);
  // A neighbour in the bucket that told less takes nothing back.
  database.exec("UPDATE former_device SET generation = 99");
  operations.removeDevice(door);
  operations.addDevice(make("door"));
  expect(once("door", true)).toBe(100);
});

test.each([
  { what: "publication", table: "publication" },
  { what: "row in the outbox", table: "outbox" },
])("a transition whose $what cannot be stored is not made, nor is a change of state", (at) => {
  operations.addDevice(make("door"));
  database.exec(`CREATE TRIGGER refuse BEFORE INSERT ON ${at.table}
    BEGIN SELECT RAISE(ABORT, 'refused'); END`);
  expect(run(goOnline, patchState)).toEqual(["refused", "refused"]);
  expect(operations.device(door)).toMatchObject({ online: false, generation: 0 });
  expect(operations.deviceState(door).reported.version).toBe(0);
  expect([countOf("publication"), countOf("outbox"), countOf("device_state")]).toEqual([0, 0, 0]);
  database.exec("DROP TRIGGER refuse");
  run(goOnline, patchState);
  expect(operations.device(door)).toMatchObject({ online: true, generation: 1 });
  expect([countOf("publication"), countOf("outbox")]).toEqual([2, 2]);
});

test("what is looked up of devices is indexed, and comes sorted", () => {
  const plan = (sql: string) =>
    database
      .prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .all()
      .map((row) => String(row["detail"]));
  const plans = [
    "SELECT * FROM device WHERE id > 'd' AND true AND instr(lower(id), 'x') > 0 ORDER BY id LIMIT 5",
    "SELECT * FROM device WHERE id > 'd' AND online = 1 ORDER BY id LIMIT 5",
    "SELECT * FROM binding WHERE user = 'u' ORDER BY device",
    "SELECT * FROM binding WHERE device = 'd' ORDER BY user",
    "DELETE FROM binding WHERE device = 'd'",
    "DELETE FROM command WHERE device = 'd'",
    "SELECT id FROM dedupe WHERE scope = 'd' ORDER BY id LIMIT 5",
    "DELETE FROM dedupe WHERE scope = 'd'",
    "SELECT seq FROM command WHERE device = 'd' AND finished_at_ms IS NOT NULL ORDER BY seq LIMIT 5",
  ].flatMap(plan);
  expect(plans.map((detail) => /^SEARCH \w+ USING (.+)$/.exec(detail)?.[1])).toEqual([
    "PRIMARY KEY (id>?)",
    "INDEX device_online (id>?)",
    "PRIMARY KEY (user=?)",
    "INDEX binding_device (device=?)",
    expect.stringContaining("INDEX binding_device (device=?)"),
    expect.stringContaining("INDEX command_listing (device=?)"),
    "PRIMARY KEY (scope=?)",
    "PRIMARY KEY (scope=?)",
    "INDEX command_listing (device=?)",
  ]);
});
