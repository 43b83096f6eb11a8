import { describe, expect, test } from "bun:test";
import { type DeviceId, parseDeviceId } from "../../../src/core/device-id.ts";
import { createDeviceSightings } from "../../../src/core/device-sightings.ts";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { noteHolds } from "../../../src/core/note-holds.ts";
import type { DeviceRecord } from "../../../src/core/ports/device-records.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryRegistry } from "../../support/memory-registry.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const A = parseDeviceId("a");
const B = parseDeviceId("b");
const ADDRESS = "192.0.2.7";
const DAY_MS = 86_400_000;
const UNSEEN: Pick<DeviceRecord, "id" | "sighting"> = { id: A };

function make() {
  const clock = new FakeClock(1_000_000);
  const log = new RecordingLog();
  const records = new MemoryRegistry();
  const sightings = createDeviceSightings({ records, clock, log });
  /** Lets what was begun with the store end. */
  const settled = async () => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  const flushed = async () => {
    clock.advance(LIMITS.sightingsFlushMs);
    await settled();
  };
  const add = (id: DeviceId) =>
    records.addDevice({
      id,
      name: "",
      meta: "{}",
      secretHash: "",
      enrollment: "fresh",
      createdAtMs: 0,
    });
  return { clock, log, records, sightings, settled, flushed, add };
}

describe("hold()", () => {
  test("makes a device seen just now for as long as it lasts, as it came", async () => {
    const { sightings, clock, settled } = make();
    const stored = { id: A, sighting: { seenAtMs: 5, address: "192.0.2.1", appVersion: "1.2" } };
    sightings.saw(A, { address: ADDRESS });
    const release = sightings.hold(A);
    await settled();
    clock.advance(DAY_MS);
    expect(sightings.lastSeen(stored).sighting).toEqual({
      seenAtMs: clock.nowMs(),
      ...{ address: ADDRESS, appVersion: "1.2" },
    });
    const endedAtMs = clock.nowMs();
    release();
    clock.advance(1_000);
    expect(sightings.lastSeen(stored).sighting.seenAtMs).toBe(endedAtMs);
  });

  test("has its end written down, once, and so it is for the last of many", async () => {
    const { sightings, records, clock, flushed } = make();
    sightings.saw(A, { address: ADDRESS });
    const [first, second] = [sightings.hold(A), sightings.hold(A)];
    await flushed();
    records.noted.length = 0;
    first();
    first();
    await flushed();
    expect(records.noted).toHaveLength(1);
    expect(sightings.lastSeen(UNSEEN).sighting?.seenAtMs).toBe(clock.nowMs());
    second();
    const endedAtMs = clock.nowMs();
    await flushed();
    await flushed();
    expect(records.noted).toHaveLength(2);
    expect(records.noted.at(-1)).toEqual([[A, { seenAtMs: endedAtMs, address: ADDRESS }]]);
  });

  test("is written down seldom while it lasts, whatever a crash may do", async () => {
    const { sightings, records, clock, settled, flushed } = make();
    sightings.saw(A, { address: ADDRESS });
    sightings.hold(A);
    await flushed();
    records.noted.length = 0;
    for (let seconds = 0; seconds < 3_600; seconds += 10) {
      clock.advance(10_000);
      await settled();
    }
    expect(records.noted).toHaveLength(3_600_000 / LIMITS.heldSightingsMs);
  });

  test("is written down when all ends", async () => {
    const { sightings, records, clock, settled } = make();
    sightings.saw(A, { address: ADDRESS });
    sightings.hold(A);
    await settled();
    clock.advance(1_000);
    await sightings[Symbol.asyncDispose]();
    const newest = { seenAtMs: clock.nowMs(), address: ADDRESS };
    expect(records.noted.at(-1)).toEqual([[A, newest]]);
    expect(clock.pending).toBe(0);
  });

  test("says nothing of a device that was forgotten since, as one that enrolled anew", async () => {
    const { sightings, records, flushed } = make();
    sightings.saw(A, { address: ADDRESS });
    const release = sightings.hold(A);
    await flushed();
    sightings.forget(A);
    records.noted.length = 0;
    expect(sightings.lastSeen(UNSEEN)).toEqual({ id: A });
    release();
    await flushed();
    expect(records.noted).toEqual([]);
  });
});

test("noteHolds() tells presence and sightings alike of what is held", () => {
  const told: string[] = [];
  const teller = (who: string) => ({
    posted: (device: DeviceId) => void told.push(`${who} posted ${device}`),
    hold(device: DeviceId) {
      told.push(`${who} hold ${device}`);
      return () => void told.push(`${who} release ${device}`);
    },
  });
  const noted = noteHolds(teller("presence"), teller("sightings"));
  noted.posted(A);
  noted.hold(B)();
  expect(told).toEqual([
    "presence posted a",
    "presence hold b",
    "sightings hold b",
    "presence release b",
    "sightings release b",
  ]);
});

describe("saw()", () => {
  test("writes a device down at once that is seen for the first time, which ends its enrollment", async () => {
    const { sightings, records, settled, add } = make();
    await add(A);
    sightings.saw(A, { address: ADDRESS, appVersion: "1.2" });
    await settled();
    expect(records.kept.get(A)).toMatchObject({
      sighting: { seenAtMs: 1_000_000, address: ADDRESS, appVersion: "1.2" },
      enrollment: "closed",
    });
  });

  test("writes the newest of each down together from then on, and nothing when none came", async () => {
    const { sightings, records, clock, settled, flushed } = make();
    sightings.saw(A, { address: ADDRESS });
    sightings.saw(B, { address: ADDRESS });
    await settled();
    records.noted.length = 0;
    for (const address of ["192.0.2.1", "192.0.2.2"]) {
      clock.advance(1);
      sightings.saw(A, { address });
      sightings.saw(B, { address });
    }
    await settled();
    expect(records.noted).toEqual([]);
    await flushed();
    await flushed();
    const newest = { seenAtMs: 1_000_002, address: "192.0.2.2" };
    expect(records.noted).toEqual([
      [
        [A, newest],
        [B, newest],
      ],
    ]);
  });

  test("keeps the version that a device said last", async () => {
    const { sightings, records, flushed } = make();
    sightings.saw(A, { address: ADDRESS, appVersion: "1.2" });
    sightings.saw(A, { address: ADDRESS });
    await flushed();
    expect(records.noted.at(-1)).toEqual([[A, expect.objectContaining({ appVersion: "1.2" })]]);
  });

  test("writes down what comes during a write when that ends", async () => {
    const { sightings, records, settled } = make();
    const { promise, resolve } = Promise.withResolvers<void>();
    records.gate = promise;
    sightings.saw(A, { address: ADDRESS });
    sightings.saw(B, { address: ADDRESS });
    expect(records.noted).toHaveLength(1);
    resolve();
    await settled();
    expect(records.noted.map((some) => some.map(([id]) => id))).toEqual([[A], [B]]);
  });

  test("brings many in writes of a bounded size", async () => {
    const { sightings, records, settled } = make();
    const { promise, resolve } = Promise.withResolvers<void>();
    records.gate = promise;
    const count = 2 * LIMITS.writesPerBatch + 2;
    for (let index = 0; index < count; index += 1) {
      sightings.saw(parseDeviceId(`d${index}`), { address: ADDRESS });
    }
    resolve();
    await settled();
    expect(records.noted.map((some) => some.length)).toEqual([
      1,
      LIMITS.writesPerBatch,
      LIMITS.writesPerBatch,
      1,
    ]);
  });

  test("remembers no more devices than there can be", async () => {
    const { sightings, records, flushed } = make();
    records.failure = new Fault("store_failed");
    for (let index = 0; index <= LIMITS.devicesMax; index += 1) {
      sightings.saw(parseDeviceId(`d${index}`), { address: ADDRESS });
    }
    await flushed();
    records.failure = undefined;
    records.noted.length = 0;
    await sightings[Symbol.asyncDispose]();
    const ids = records.noted.flat().map(([id]) => String(id));
    expect(ids).toHaveLength(LIMITS.devicesMax);
    expect(ids).toContain(`d${LIMITS.devicesMax}`);
  });
});

describe("a store that fails", () => {
  test("loses nothing: the same is written down the next time, with what is newer", async () => {
    const { sightings, records, clock, log, settled, flushed } = make();
    records.failure = new Fault("store_failed");
    sightings.saw(A, { address: ADDRESS, appVersion: "1.2" });
    await settled();
    clock.advance(5);
    sightings.saw(B, { address: ADDRESS });
    await settled();
    records.failure = undefined;
    records.noted.length = 0;
    await flushed();
    expect(records.noted).toEqual([
      [
        [A, { seenAtMs: 1_000_000, address: ADDRESS, appVersion: "1.2" }],
        [B, { seenAtMs: 1_000_005, address: ADDRESS }],
      ],
    ]);
    expect(log.lines).toEqual([]);
  });

  test("does not bring back what is older than what came meanwhile", async () => {
    const { sightings, records, clock, settled, flushed } = make();
    const { promise, resolve } = Promise.withResolvers<void>();
    records.gate = promise;
    records.failure = new Fault("store_failed");
    sightings.saw(A, { address: "192.0.2.1" });
    clock.advance(1);
    sightings.saw(A, { address: "192.0.2.2" });
    resolve();
    await settled();
    records.failure = undefined;
    await flushed();
    expect(records.noted.at(-1)).toEqual([[A, { seenAtMs: 1_000_001, address: "192.0.2.2" }]]);
  });

  test("is a bug that is logged when it is no fault", async () => {
    const { sightings, records, log, settled } = make();
    records.failure = new Error("canary");
    sightings.saw(A, { address: ADDRESS });
    await settled();
    expect(log.of("task.failed")).toMatchObject([{ stage: "sightings" }]);
  });
});

describe("lastSeen()", () => {
  test("tells what is not written down yet, and what is being written", async () => {
    const { sightings, records, clock } = make();
    const { promise } = Promise.withResolvers<void>();
    const old = { id: A, sighting: { seenAtMs: 5, address: "::1", appVersion: "0.9" } };
    expect(sightings.lastSeen(old)).toBe(old);
    records.gate = promise;
    sightings.saw(A, { address: ADDRESS });
    const leaving = { seenAtMs: 1_000_000, address: ADDRESS, appVersion: "0.9" };
    expect(sightings.lastSeen(old)).toEqual({ id: A, sighting: leaving });
    clock.advance(7);
    sightings.saw(A, { address: "192.0.2.9", appVersion: "1.0" });
    const waiting = { seenAtMs: 1_000_007, address: "192.0.2.9", appVersion: "1.0" };
    const never: Pick<DeviceRecord, "id" | "sighting"> = { id: A };
    expect(sightings.lastSeen(never)).toEqual({ id: A, sighting: waiting });
  });

  test("leaves a record alone that is newer than what is known here", async () => {
    const { sightings, records } = make();
    records.failure = new Fault("store_failed");
    sightings.saw(A, { address: ADDRESS });
    const newer = { id: A, sighting: { seenAtMs: 1_000_001, address: "::1" } };
    expect(sightings.lastSeen(newer)).toBe(newer);
  });
});

describe("forget()", () => {
  test("drops what was seen, also when its write fails, and the next sight is a first one", async () => {
    const { sightings, records, settled, flushed } = make();
    const { promise, resolve } = Promise.withResolvers<void>();
    records.gate = promise;
    records.failure = new Fault("store_failed");
    sightings.saw(A, { address: ADDRESS });
    sightings.forget(A);
    resolve();
    await settled();
    records.failure = undefined;
    records.noted.length = 0;
    await flushed();
    expect(records.noted).toEqual([]);
    sightings.saw(A, { address: ADDRESS });
    expect(records.noted).toHaveLength(1);
  });
});

describe("disposing", () => {
  test("writes down what is left and stops", async () => {
    const { sightings, records, clock, settled } = make();
    sightings.saw(A, { address: ADDRESS });
    await settled();
    clock.advance(1);
    sightings.saw(A, { address: "192.0.2.9" });
    await sightings[Symbol.asyncDispose]();
    expect(records.noted.at(-1)).toEqual([[A, { seenAtMs: 1_000_001, address: "192.0.2.9" }]]);
    expect(clock.pending).toBe(0);
  });
});
