import { expect, test } from "bun:test";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { createDeviceRecords } from "../../../src/engine/sqlite/device-records.ts";
import { createLanes } from "../../../src/engine/sqlite/lanes.ts";
import type { Thread } from "../../../src/engine/sqlite/thread.ts";
import type { BatchRequest, Call, Outcome } from "../../../src/engine/sqlite/wire.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** Records over a store that answers so; it tells what was asked of it, by batch. */
function recording(answer: (call: Call) => unknown) {
  const batches: (readonly Call[])[] = [];
  const thread: Thread = {
    async request({ calls }: BatchRequest): Promise<readonly Outcome[]> {
      batches.push(calls);
      return calls.map((call) => ({ ok: true, value: answer(call) }));
    },
    async [Symbol.asyncDispose]() {},
  };
  const clock = new FakeClock();
  const lanes = createLanes({ writer: thread, reader: thread, clock, written() {} });
  const rules = { retention: { sizeMax: 1, ttlMs: 1 }, endpoints: {} };
  const records = createDeviceRecords(lanes, rules, { told() {}, deliver() {}, outboxGrew() {} });
  return { batches, records };
}

test("removeDevice() forgets ended commands and ids round by round, and only then the device", async () => {
  const more = [true, true, false, true, false];
  const { batches, records } = recording(({ name }) =>
    name === "removeDevice" ? true : more.shift(),
  );
  expect(await records.removeDevice(parseDeviceId("door"))).toBe(true);
  expect(batches.map((calls) => calls.map(({ name }) => name))).toEqual([
    ["forgetEndedCommands"],
    ["forgetEndedCommands"],
    ["forgetEndedCommands"],
    ["forgetEventIds"],
    ["forgetEventIds"],
    ["removeDevice"],
  ]);
});

test("noteSightings() writes a bounded number at a time", async () => {
  const { batches, records } = recording(() => undefined);
  const ids = Array.from({ length: 1_100 }, (_, index) => parseDeviceId(`d${index}`));
  const sighting = { seenAtMs: 1, address: "10.0.0.1" };
  await records.noteSightings(new Map(ids.map((id) => [id, sighting])));
  const inputs = batches.flat().map(({ input }) => input as readonly unknown[]);
  expect(inputs.map(({ length }) => length)).toEqual([500, 500, 100]);
  await records.noteSightings(new Map());
  expect(batches).toHaveLength(3);
});

test("devices() says what a page may weigh, so that few are held at a time", async () => {
  const { batches, records } = recording(() => []);
  await Promise.all(Array.from({ length: 5 }, () => records.devices({ limit: 1_000 })));
  expect(batches.map(({ length }) => length)).toEqual([2, 2, 1]);
});
