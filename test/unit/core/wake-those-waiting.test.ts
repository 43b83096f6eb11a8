import { expect, test } from "bun:test";
import { type DeviceId, parseDeviceId } from "../../../src/core/device-id.ts";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { wakeThoseWaiting } from "../../../src/core/wake-those-waiting.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

/** A start at which commands wait for so many devices. */
function world(count: number) {
  const devices = Array.from({ length: count }, (_, index) =>
    parseDeviceId(`d${String(index).padStart(5, "0")}`),
  );
  const clock = new FakeClock();
  const log = new RecordingLog();
  const woken: DeviceId[] = [];
  const store: { failure?: Error | undefined } = {};
  const cancel = wakeThoseWaiting({
    clock,
    log,
    wakeUps: { queueGrew: (device) => woken.push(device) },
    queue: {
      async devicesWaitedFor({ after = "", limit }) {
        if (store.failure !== undefined) throw store.failure;
        return devices.filter((device) => device > after).slice(0, limit);
      },
    },
  });
  async function pass(ms: number): Promise<void> {
    clock.advance(ms);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }
  return { devices, clock, log, woken, store, cancel, pass };
}

test("devices get the time to come back by themselves", async () => {
  const { woken, pass } = world(1);
  await pass(LIMITS.wakeAfterStartMs - 1);
  expect(woken).toEqual([]);
  await pass(1);
  expect(woken).toHaveLength(1);
});

test("every device is named once, some at a time", async () => {
  const { devices, clock, woken, pass } = world(2 * LIMITS.wakesPerRound + 1);
  await pass(LIMITS.wakeAfterStartMs);
  expect(woken).toHaveLength(LIMITS.wakesPerRound);
  await pass(LIMITS.wakeRoundMs);
  expect(woken).toHaveLength(2 * LIMITS.wakesPerRound);
  await pass(LIMITS.wakeRoundMs);
  expect(woken).toEqual(devices);
  expect(clock.pending).toBe(0);
});

test("a store that cannot answer is asked again", async () => {
  const { store, woken, log, pass } = world(1);
  store.failure = new Fault("store_failed");
  await pass(LIMITS.wakeAfterStartMs);
  await pass(LIMITS.wakeRoundMs);
  store.failure = undefined;
  await pass(LIMITS.wakeRoundMs);
  expect(woken).toHaveLength(1);
  expect(log.lines).toEqual([]);
});

test("a bug is logged and asks no more", async () => {
  const { store, clock, log, pass } = world(1);
  store.failure = new TypeError("a bug");
  await pass(LIMITS.wakeAfterStartMs);
  expect(log.of("task.failed")).toMatchObject([{ stage: "wake_those_waiting" }]);
  expect(clock.pending).toBe(0);
});

test("what is canceled wakes nobody any more", async () => {
  const { cancel, clock, woken, pass } = world(2 * LIMITS.wakesPerRound);
  await pass(LIMITS.wakeAfterStartMs);
  cancel();
  await pass(LIMITS.wakeRoundMs);
  expect(woken).toHaveLength(LIMITS.wakesPerRound);
  expect(clock.pending).toBe(0);
});
