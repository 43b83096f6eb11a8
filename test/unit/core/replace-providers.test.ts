import { describe, expect, test } from "bun:test";
import { type DeviceId, parseDeviceId } from "../../../src/core/device-id.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { PushProvider, WakeOutcome } from "../../../src/core/ports/push.ts";
import { UNCOUNTED } from "../../../src/core/uncounted.ts";
import { createWakeUps } from "../../../src/core/wake-ups.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createFakeEntropy } from "../../support/fake-entropy.ts";
import { RecordingLog } from "../../support/recording-log.ts";

/** Says what it was asked, and answers when a test does. */
class HeldProvider implements PushProvider {
  readonly asked: string[] = [];
  readonly #waiting: ((outcome: WakeOutcome) => void)[] = [];

  wake({ device }: { readonly device: DeviceId }): Promise<WakeOutcome> {
    this.asked.push(device);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async answer(outcome: WakeOutcome = { outcome: "sent" }): Promise<void> {
    this.#waiting.shift()?.(outcome);
    await settled();
  }
}

const INTERVAL_MS = 30_000;

/** Devices that all sleep and can be woken by `shop`, for each of which something waits. */
function world(provider: PushProvider) {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const wakeUps = createWakeUps({
    providers: new Map([["shop", provider]]),
    devices: {
      idleMs: () => Number.POSITIVE_INFINITY,
      hint: async () => ({ pending: 1, command: "c" }),
      target: async (device) => ({ provider: "shop", token: `token-${device}` }),
      dropTarget: async () => undefined,
    },
    wakeIntervalMs: INTERVAL_MS,
    clock,
    log,
    entropy: createFakeEntropy(0),
    metrics: UNCOUNTED,
  });
  async function wake(name: string): Promise<void> {
    wakeUps.queueGrew(parseDeviceId(name));
    await settled();
  }
  return { clock, log, wakeUps, wake };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

describe("replaceProviders()", () => {
  test("asks the new one from now on, and lets what is on its way end", async () => {
    const [before, after] = [new HeldProvider(), new HeldProvider()];
    const { wakeUps, wake } = world(before);
    await wake("door");
    wakeUps.replaceProviders(new Map([["shop", after]]));
    await wake("gate");
    await before.answer();
    await after.answer();
    expect([before.asked, after.asked]).toEqual([["door"], ["gate"]]);
    await wakeUps[Symbol.asyncDispose]();
  });

  test("asks as many at a time as before, with what still runs at the old one", async () => {
    const [before, after] = [new HeldProvider(), new HeldProvider()];
    const { wakeUps, wake } = world(before);
    for (let index = 0; index < LIMITS.pushesAtATime; index += 1) await wake(`d${index}`);
    wakeUps.replaceProviders(new Map([["shop", after]]));
    await wake("late");
    expect(after.asked).toEqual([]);
    await before.answer();
    expect(after.asked).toEqual(["late"]);
    await after.answer();
    for (let index = 1; index < LIMITS.pushesAtATime; index += 1) await before.answer();
    await wakeUps[Symbol.asyncDispose]();
  });

  test("tries at once where the old one needed an operator", async () => {
    const [before, after] = [new HeldProvider(), new HeldProvider()];
    const { log, wakeUps, wake } = world(before);
    await wake("door");
    await before.answer({ outcome: "stopped", why: "does not know the key" });
    expect(log.of("push.stopped")).toHaveLength(1);
    wakeUps.replaceProviders(new Map([["shop", after]]));
    await wake("gate");
    expect(after.asked).toEqual(["gate"]);
    await after.answer();
    await wakeUps[Symbol.asyncDispose]();
  });

  test("says of one that is gone that it is not configured", async () => {
    const { log, wakeUps, wake } = world(new HeldProvider());
    wakeUps.replaceProviders(new Map());
    await wake("door");
    expect(log.of("push.refused")).toEqual([]);
    wakeUps.replaceProviders(new Map([["other", new HeldProvider()]]));
    await wake("door");
    expect(log.of("push.refused")).toMatchObject([{ device: "door", why: "is not configured" }]);
    await wakeUps[Symbol.asyncDispose]();
  });
});
