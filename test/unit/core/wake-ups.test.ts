import { describe, expect, test } from "bun:test";
import { type DeviceId, parseDeviceId } from "../../../src/core/device-id.ts";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { PushTarget } from "../../../src/core/ports/device-records.ts";
import type { PushProvider, WakeOutcome, WakeRequest } from "../../../src/core/ports/push.ts";
import { UNCOUNTED } from "../../../src/core/uncounted.ts";
import { createWakeUps, type SleepingDevices, type WakeUps } from "../../../src/core/wake-ups.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createFakeEntropy } from "../../support/fake-entropy.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const INTERVAL_MS = 30_000;
const DAY_MS = 24 * 60 * 60 * 1000;
const door = parseDeviceId("door");
const gate = parseDeviceId("gate");
const SENT: WakeOutcome = { outcome: "sent" };

/** A provider that answers what a test says, at once or when it says so. */
class FakeProvider implements PushProvider {
  readonly asked: WakeRequest[] = [];
  readonly #waiting: ((outcome: WakeOutcome) => void)[] = [];
  answers: (WakeOutcome | "later" | Error)[] = [];
  running = 0;
  mostRunning = 0;

  async wake(request: WakeRequest): Promise<WakeOutcome> {
    this.asked.push(request);
    this.running += 1;
    this.mostRunning = Math.max(this.running, this.mostRunning);
    const answer = this.answers.shift() ?? SENT;
    const outcome =
      answer === "later"
        ? await new Promise<WakeOutcome>((resolve) => this.#waiting.push(resolve))
        : answer;
    this.running -= 1;
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }

  answer(outcome: WakeOutcome): void {
    this.#waiting.shift()?.(outcome);
  }
}

class World implements SleepingDevices {
  readonly clock = new FakeClock();
  readonly log = new RecordingLog();
  readonly provider = new FakeProvider();
  readonly pending = new Map<DeviceId, number>();
  readonly targets = new Map<DeviceId, PushTarget>();
  readonly #idleSinceMs = new Map<DeviceId, number | "holding">();
  readFails: Error | undefined;
  readonly wakeUps: WakeUps = createWakeUps({
    metrics: UNCOUNTED,
    providers: new Map([["shop", this.provider]]),
    devices: this,
    wakeIntervalMs: INTERVAL_MS,
    clock: this.clock,
    entropy: createFakeEntropy(0),
    log: this.log,
  });

  idleMs(device: DeviceId): number {
    const since = this.#idleSinceMs.get(device);
    if (since === "holding") return 0;
    return since === undefined ? Number.POSITIVE_INFINITY : this.clock.monotonicMs() - since;
  }

  async hint(device: DeviceId) {
    if (this.readFails !== undefined) throw this.readFails;
    const pending = this.pending.get(device) ?? 0;
    return pending === 0 ? undefined : { pending, command: `c-${pending}` };
  }

  async target(device: DeviceId) {
    return this.targets.get(device);
  }

  async dropTarget(device: DeviceId, target: PushTarget) {
    if (this.targets.get(device)?.token === target.token) this.targets.delete(device);
  }

  hold(device: DeviceId): void {
    this.#idleSinceMs.set(device, "holding");
  }

  /** The device lets go of what it held open, at a moment that is not 0. */
  letGo(device: DeviceId): void {
    this.#idleSinceMs.set(device, this.clock.monotonicMs() - 1);
  }

  /** A command comes for a device that can be woken. */
  async enqueue(device: DeviceId): Promise<void> {
    this.pending.set(device, (this.pending.get(device) ?? 0) + 1);
    if (!this.targets.has(device)) this.targets.set(device, targetOf(device));
    this.wakeUps.queueGrew(device);
    await settled();
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settled();
  }

  get woken(): string[] {
    return this.provider.asked.map(({ token, hint }) => `${token} ${hint.pending}`);
  }
}

function targetOf(device: DeviceId): PushTarget {
  return { provider: "shop", token: `token-${device}` };
}

/** Lets every promise that needs no timer settle. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

describe("wake-ups", () => {
  test("wake a device for which a command waits, with a hint and no more", async () => {
    const world = new World();
    await world.enqueue(door);
    expect(world.provider.asked).toEqual([
      { device: door, token: "token-door", hint: { pending: 1, command: "c-1" } },
    ]);
    expect(world.log.lines.map(({ level, event }) => `${level} ${event}`)).toEqual([
      "debug push.sent",
    ]);
  });

  test("leave a device alone that holds something open", async () => {
    const world = new World();
    world.hold(door);
    await world.enqueue(door);
    expect(world.woken).toEqual([]);
    expect(world.clock.pending).toBe(0);
  });

  test("give a device between two polls the time to come back", async () => {
    const world = new World();
    world.letGo(door);
    await world.enqueue(door);
    await world.pass(LIMITS.wakeGraceMs - 2);
    expect(world.woken).toEqual([]);
    world.hold(door);
    await world.pass(DAY_MS);
    expect(world.woken).toEqual([]);
  });

  test("wake a device that did not come back in that time", async () => {
    const world = new World();
    world.letGo(door);
    await world.enqueue(door);
    await world.pass(LIMITS.wakeGraceMs - 2);
    expect(world.woken).toEqual([]);
    await world.pass(1);
    expect(world.woken).toEqual(["token-door 1"]);
  });

  test("wake a device once per interval, for all that came meanwhile", async () => {
    const world = new World();
    await world.enqueue(door);
    await world.enqueue(door);
    await world.enqueue(door);
    await world.pass(INTERVAL_MS - 1);
    expect(world.woken).toEqual(["token-door 1"]);
    await world.pass(1);
    expect(world.woken).toEqual(["token-door 1", "token-door 3"]);
  });

  test("wake nobody again for a queue that did not grow, and forget the device", async () => {
    const world = new World();
    await world.enqueue(door);
    await world.pass(DAY_MS);
    expect(world.woken).toEqual(["token-door 1"]);
    expect(world.clock.pending).toBe(0);
    await world.enqueue(door);
    expect(world.woken).toEqual(["token-door 1", "token-door 2"]);
  });

  test("wake devices independently of each other", async () => {
    const world = new World();
    await world.enqueue(door);
    await world.enqueue(gate);
    expect(world.woken).toEqual(["token-door 1", "token-gate 1"]);
  });

  test.each(["nothing waits any more", "it has no target", "its provider is not configured"])(
    "ask nobody when %s",
    async (why) => {
      const world = new World();
      if (why === "it has no target") world.pending.set(door, 1);
      else world.targets.set(door, { provider: "shop", token: "t" });
      if (why === "its provider is not configured") {
        world.pending.set(door, 1);
        world.targets.set(door, { provider: "gone", token: "t" });
      }
      world.wakeUps.queueGrew(door);
      await settled();
      await world.pass(INTERVAL_MS);
      expect(world.woken).toEqual([]);
      expect(world.clock.pending).toBe(0);
      const isTold = why === "its provider is not configured";
      expect(world.log.of("push.refused")).toHaveLength(isTold ? 1 : 0);
    },
  );

  test("wake a device that got its target only after its queue grew", async () => {
    const world = new World();
    world.pending.set(door, 1);
    world.wakeUps.queueGrew(door);
    await settled();
    world.targets.set(door, targetOf(door));
    world.wakeUps.queueGrew(door);
    await settled();
    expect(world.woken).toEqual(["token-door 1"]);
  });

  test("wake a device that got its target while it was being looked for", async () => {
    const world = new World();
    world.pending.set(door, 1);
    world.wakeUps.queueGrew(door);
    world.targets.set(door, targetOf(door));
    world.wakeUps.queueGrew(door);
    await settled();
    expect(world.woken).toEqual(["token-door 1"]);
  });

  test("see a queue that grows while the provider is being asked", async () => {
    const world = new World();
    world.provider.answers = ["later"];
    await world.enqueue(door);
    await world.enqueue(door);
    world.provider.answer(SENT);
    await settled();
    await world.pass(INTERVAL_MS);
    expect(world.woken).toEqual(["token-door 1", "token-door 2"]);
  });

  test("drop a token that is dead, once, and wake by the next one", async () => {
    const world = new World();
    world.provider.answers = [{ outcome: "token_dead" }];
    await world.enqueue(door);
    expect([...world.targets]).toEqual([]);
    expect(world.log.of("push.token_dead")).toEqual([{ device: door, provider: "shop" }]);
    world.targets.set(door, { provider: "shop", token: "new" });
    world.wakeUps.queueGrew(door);
    await world.pass(INTERVAL_MS);
    expect(world.woken).toEqual(["token-door 1", "new 1"]);
  });

  test("keep a token that came while the old one was found dead", async () => {
    const world = new World();
    world.provider.answers = ["later"];
    await world.enqueue(door);
    world.targets.set(door, { provider: "shop", token: "new" });
    world.provider.answer({ outcome: "token_dead" });
    await settled();
    expect(world.targets.get(door)?.token).toBe("new");
  });

  test("do not ask again for what was refused", async () => {
    const world = new World();
    world.provider.answers = [{ outcome: "refused", why: "answered with error 1003" }];
    await world.enqueue(door);
    await world.pass(DAY_MS);
    expect(world.woken).toEqual(["token-door 1"]);
    expect(world.log.of("push.refused")).toEqual([
      { device: door, provider: "shop", why: "answered with error 1003" },
    ]);
  });

  test("log no token, whatever happens", async () => {
    const world = new World();
    const why = "answered with error 1";
    world.provider.answers = [
      { outcome: "refused", why },
      { outcome: "retry", afterMs: DAY_MS, why },
      { outcome: "stopped", why },
      { outcome: "token_dead" },
      new Error("boom"),
    ];
    for (let round = 0; round < 5; round++) {
      await world.enqueue(parseDeviceId(`device-${round}`));
      await world.pass(2 * LIMITS.pushStoppedMs);
    }
    expect(world.log.lines.length).toBeGreaterThanOrEqual(5);
    expect(JSON.stringify(world.log.lines)).not.toContain("token-d");
  });
});

describe("wake-ups that are to be asked for again", () => {
  test("wait as long as the provider wants", async () => {
    const world = new World();
    world.provider.answers = [{ outcome: "retry", afterMs: 45_000, why: "is busy" }];
    await world.enqueue(door);
    await world.pass(44_999);
    expect(world.woken).toHaveLength(1);
    await world.pass(1);
    expect(world.woken).toHaveLength(2);
  });

  test("wait longer each time when the provider does not say how long", async () => {
    const world = new World();
    world.provider.answers = Array.from({ length: 4 }, () => ({
      outcome: "retry" as const,
      afterMs: 0,
      why: "is busy",
    }));
    await world.enqueue(door);
    for (const [attempt, waitMs] of [5_000, 10_000, 20_000, 40_000].entries()) {
      await world.pass(waitMs - 1);
      expect(world.woken).toHaveLength(attempt + 1);
      await world.pass(1);
      expect(world.woken).toHaveLength(attempt + 2);
    }
  });

  test("are not asked for when the device came back meanwhile", async () => {
    const world = new World();
    world.provider.answers = [{ outcome: "retry", afterMs: 1_000, why: "is busy" }];
    await world.enqueue(door);
    world.hold(door);
    await world.pass(DAY_MS);
    expect(world.woken).toHaveLength(1);
    expect(world.clock.pending).toBe(0);
  });

  test("say what waits then, not what waited first", async () => {
    const world = new World();
    world.provider.answers = [{ outcome: "retry", afterMs: 1_000, why: "is busy" }];
    await world.enqueue(door);
    await world.enqueue(door);
    await world.pass(5_000);
    expect(world.woken).toEqual(["token-door 1", "token-door 2"]);
  });

  test("are given up after an hour", async () => {
    const world = new World();
    world.provider.answers = Array.from({ length: 1_000 }, () => ({
      outcome: "retry" as const,
      afterMs: 0,
      why: "is busy",
    }));
    await world.enqueue(door);
    for (let minute = 0; minute < 120; minute++) await world.pass(60_000);
    const [gaveUp, ...others] = world.log.of("push.gave_up");
    expect(gaveUp).toMatchObject({ device: door, provider: "shop", why: "is busy" });
    expect(others).toEqual([]);
    expect(world.woken.length).toBeGreaterThan(10);
    expect(world.woken.length).toBeLessThan(30);
    expect(world.clock.pending).toBe(0);
  });
});

describe("a provider that is stopped", () => {
  const stopped: WakeOutcome = { outcome: "stopped", why: "does not know the app key" };

  test("is told of once and loudly, and left alone", async () => {
    const world = new World();
    world.provider.answers = [stopped];
    await world.enqueue(door);
    await world.enqueue(gate);
    await world.pass(LIMITS.pushStoppedMs - 1);
    expect(world.woken).toEqual(["token-door 1"]);
    const told = world.log.lines.filter(({ event }) => event === "push.stopped");
    expect(told).toEqual([
      {
        level: "error",
        event: "push.stopped",
        fields: {
          provider: "shop",
          why: "does not know the app key",
          retryMs: LIMITS.pushStoppedMs,
        },
      },
    ]);
  });

  test("is told of once by all that were under way", async () => {
    const world = new World();
    world.provider.answers = ["later", "later"];
    await world.enqueue(door);
    await world.enqueue(gate);
    world.provider.answer(stopped);
    world.provider.answer(stopped);
    await settled();
    expect(world.log.of("push.stopped")).toHaveLength(1);
  });

  test("is tried again after a while, and wakes whoever still sleeps", async () => {
    const world = new World();
    world.provider.answers = [stopped];
    await world.enqueue(door);
    await world.enqueue(gate);
    await world.pass(LIMITS.pushStoppedMs);
    expect(world.woken).toEqual(["token-door 1", "token-door 1", "token-gate 1"]);
  });

  test("does not stop another", async () => {
    const clock = new FakeClock();
    const [broken, working] = [new FakeProvider(), new FakeProvider()];
    broken.answers = [stopped];
    const world = new World();
    world.targets.set(door, { provider: "broken", token: "door" });
    world.targets.set(gate, { provider: "working", token: "gate" });
    const wakeUps = createWakeUps({
      metrics: UNCOUNTED,
      providers: new Map([
        ["broken", broken],
        ["working", working],
      ]),
      devices: world,
      wakeIntervalMs: INTERVAL_MS,
      clock,
      entropy: createFakeEntropy(0),
      log: world.log,
    });
    for (const device of [door, gate]) {
      world.pending.set(device, 1);
      wakeUps.queueGrew(device);
      await settled();
    }
    expect([broken.asked.length, working.asked.length]).toEqual([1, 1]);
  });
});

describe("wake-ups under load and in trouble", () => {
  const device = (index: number) => parseDeviceId(`device-${index}`);

  test("ask one provider only so much at a time, in the order of the growth", async () => {
    const world = new World();
    const total = LIMITS.pushesAtATime + 5;
    world.provider.answers = Array.from({ length: total }, () => "later" as const);
    for (let index = 0; index < total; index++) await world.enqueue(device(index));
    expect(world.provider.running).toBe(LIMITS.pushesAtATime);
    for (let index = 0; index < total; index++) {
      world.provider.answer(SENT);
      await settled();
    }
    expect(world.provider.mostRunning).toBe(LIMITS.pushesAtATime);
    expect(world.woken).toEqual(
      Array.from({ length: total }, (_, index) => `token-device-${index} 1`),
    );
  });

  test("let nobody in beside those that waited", async () => {
    const world = new World();
    const total = 3 * LIMITS.pushesAtATime;
    world.provider.answers = Array.from({ length: total }, () => "later" as const);
    for (let index = 0; index < total; index++) {
      await world.enqueue(device(index));
      if (index >= LIMITS.pushesAtATime) world.provider.answer(SENT);
    }
    expect(world.provider.mostRunning).toBe(LIMITS.pushesAtATime);
  });

  test("tell what came while waiting for a turn, and not once more", async () => {
    const world = new World();
    world.provider.answers = Array.from({ length: LIMITS.pushesAtATime }, () => "later" as const);
    for (let index = 0; index < LIMITS.pushesAtATime; index++) await world.enqueue(device(index));
    await world.enqueue(door);
    await world.enqueue(door);
    world.provider.answer(SENT);
    await settled();
    await world.pass(INTERVAL_MS);
    expect(world.woken.filter((it) => it.startsWith("token-door"))).toEqual(["token-door 2"]);
  });

  test("do not wake who came back while waiting for its turn", async () => {
    const world = new World();
    world.provider.answers = Array.from({ length: LIMITS.pushesAtATime }, () => "later" as const);
    for (let index = 0; index < LIMITS.pushesAtATime; index++) await world.enqueue(device(index));
    await world.enqueue(door);
    world.hold(door);
    world.provider.answer(SENT);
    await settled();
    expect(world.woken).not.toContain("token-door 1");
  });

  test("turn away more devices than they can remember, and say so once", async () => {
    const world = new World();
    world.provider.answers = Array.from({ length: LIMITS.wakesAtATime }, () => "later" as const);
    for (let index = 0; index < LIMITS.wakesAtATime; index++) {
      world.wakeUps.queueGrew(device(index));
    }
    world.wakeUps.queueGrew(door);
    world.wakeUps.queueGrew(gate);
    expect(world.log.of("push.dropped")).toEqual([{ waiting: LIMITS.wakesAtATime }]);
  });

  test("log a bug of a provider and go on", async () => {
    const world = new World();
    world.provider.answers = [new Error("boom")];
    await world.enqueue(door);
    expect(world.log.of("task.failed")).toEqual([{ stage: "wake_up", error: new Error("boom") }]);
    await world.enqueue(gate);
    await world.enqueue(door);
    await world.pass(INTERVAL_MS);
    expect(world.woken).toEqual(["token-door 1", "token-gate 1", "token-door 2"]);
  });

  test("try again when the store cannot answer", async () => {
    const world = new World();
    world.readFails = new Fault("store_failed");
    await world.enqueue(door);
    world.readFails = undefined;
    await world.pass(INTERVAL_MS);
    expect(world.woken).toEqual(["token-door 1"]);
    expect(world.log.of("task.failed")).toEqual([]);
  });

  test("end with what is under way and start nothing new", async () => {
    const world = new World();
    world.provider.answers = ["later", { outcome: "retry", afterMs: 0, why: "is busy" }];
    await world.enqueue(door);
    await world.enqueue(gate);
    let isOver = false;
    const ending = world.wakeUps[Symbol.asyncDispose]().then(() => {
      isOver = true;
    });
    await settled();
    expect(isOver).toBe(false);
    world.provider.answer(SENT);
    await ending;
    await world.enqueue(door);
    await world.enqueue(parseDeviceId("other"));
    await world.pass(DAY_MS);
    expect(world.woken).toEqual(["token-door 1", "token-gate 1"]);
    expect(world.clock.pending).toBe(0);
  });
});
