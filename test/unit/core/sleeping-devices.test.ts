import { describe, expect, test } from "bun:test";
import { parseCommandId } from "../../../src/core/command.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import type { WaitingCommands } from "../../../src/core/ports/command-queue.ts";
import type {
  DeviceChange,
  DeviceCondition,
  DeviceRecord,
  PushTarget,
} from "../../../src/core/ports/device-records.ts";
import { createSleepingDevices } from "../../../src/core/sleeping-devices.ts";

const door = parseDeviceId("door");
const TARGET: PushTarget = { provider: "fcm", token: "t" };
const RECORD: DeviceRecord = {
  id: door,
  name: "",
  meta: "{}",
  secretHash: "",
  enrollment: "closed",
  createdAtMs: 0,
  online: false,
  generation: 0,
};

function world(record?: DeviceRecord, waiting?: WaitingCommands) {
  const changes: (readonly [DeviceChange, DeviceCondition | undefined])[] = [];
  const devices = createSleepingDevices({
    presence: { idleMs: (device) => (device === door ? 7 : Number.POSITIVE_INFINITY) },
    queue: { waitingCommands: async () => waiting },
    records: {
      device: async () => record,
      async changeDevice(_, change, condition) {
        changes.push([change, condition]);
        return record;
      },
    },
  });
  return { devices, changes };
}

describe("sleeping devices", () => {
  test("are idle for as long as their presence says", () => {
    expect(world().devices.idleMs(door)).toBe(7);
  });

  test("are told how many commands wait and which comes first", async () => {
    const { devices } = world(RECORD, { count: 3, first: parseCommandId("c1") });
    expect(await devices.hint(door)).toEqual({ pending: 3, command: "c1" });
  });

  test("are told nothing when nothing waits", async () => {
    expect(await world(RECORD).devices.hint(door)).toBeUndefined();
  });

  test("have the target of their record, if any", async () => {
    expect(await world({ ...RECORD, push: TARGET }).devices.target(door)).toEqual(TARGET);
    expect(await world(RECORD).devices.target(door)).toBeUndefined();
    expect(await world().devices.target(door)).toBeUndefined();
  });

  test("lose the target that is dead, and no other one", async () => {
    const { devices, changes } = world(RECORD);
    await devices.dropTarget(door, TARGET);
    expect(changes).toEqual([[{ push: null }, { push: TARGET }]]);
  });
});
