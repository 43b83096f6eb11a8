import { describe, expect, test } from "bun:test";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { Fault } from "../../../src/core/faults.ts";
import { createPresenceAnnouncer } from "../../../src/core/presence-announcer.ts";
import type { PresenceChange } from "../../../src/core/presence-event.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const LIMITS = {
  presenceStoresAtATime: 2,
  presenceRetriesMax: 3,
  presenceRetryMs: 1_000,
  presenceRetryMaxMs: 3_000,
};

interface Attempt {
  readonly name: string;
  succeed(): Promise<void>;
  fail(): Promise<void>;
}

/** An announcer over a store that answers when the test says so. */
function world() {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const attempts: Attempt[] = [];
  const announcer = createPresenceAnnouncer({
    clock,
    log,
    limits: LIMITS,
    store({ device, online }) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      attempts.push({
        name: `${device} ${online ? "online" : "offline"}`,
        succeed: () => settled(resolve),
        fail: () => settled(() => reject(new Fault("store_failed"))),
      });
      return promise;
    },
  });
  function announce(id: string, online: boolean): void {
    const change: PresenceChange = {
      device: parseDeviceId(id),
      online,
      atMs: clock.nowMs(),
      reason: "held",
    };
    announcer.announce(change);
  }
  /** The attempt that is under way, counted from the first. */
  function attempt(index: number): Attempt {
    const found = attempts[index];
    if (found === undefined) throw new Error(`Cannot find attempt ${index} of ${attempts.length}`);
    return found;
  }
  const names = () => attempts.map(({ name }) => name);
  return { clock, log, announcer, announce, attempt, names };
}

async function settled(settle: () => void): Promise<void> {
  settle();
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

describe("announce()", () => {
  test("stores the transitions of one device one after the other", async () => {
    const { announce, attempt, names } = world();
    announce("a", true);
    announce("a", false);
    expect(names()).toEqual(["a online"]);
    await attempt(0).succeed();
    expect(names()).toEqual(["a online", "a offline"]);
    await attempt(1).succeed();
    announce("a", true);
    expect(names()).toEqual(["a online", "a offline", "a online"]);
  });

  test("tells nothing of a device that is back before the store is", async () => {
    const { announce, attempt, names } = world();
    announce("a", true);
    announce("a", false);
    announce("a", true);
    await attempt(0).succeed();
    expect(names()).toEqual(["a online"]);
    announce("a", false);
    expect(names()).toEqual(["a online", "a offline"]);
  });

  test("stores only so many at a time, in the order in which they came", async () => {
    const { announce, attempt, names } = world();
    for (const id of ["a", "b", "c", "d"]) announce(id, true);
    expect(names()).toEqual(["a online", "b online"]);
    await attempt(1).succeed();
    expect(names()).toEqual(["a online", "b online", "c online"]);
    await attempt(0).fail();
    expect(names()).toEqual(["a online", "b online", "c online", "d online"]);
  });

  test("tries again after growing pauses, and logs the first failure", async () => {
    const { announce, attempt, names, clock, log } = world();
    announce("a", true);
    for (const [index, pauseMs] of [1_000, 2_000, 3_000, 3_000, 3_000].entries()) {
      await attempt(index).fail();
      clock.advance(pauseMs - 1);
      expect(names()).toHaveLength(index + 1);
      clock.advance(1);
      expect(names()).toHaveLength(index + 2);
    }
    await attempt(5).succeed();
    expect(clock.pending).toBe(0);
    expect(log.lines.map(({ level }) => level)).toEqual(["warn"]);
    expect(log.of("presence.failed")).toMatchObject([
      { device: "a", online: true, failures: 1, error: { code: "store_failed" } },
    ]);
  });

  test("tries after a pause what is wanted by then, for the outcome of a failure is unknown", async () => {
    const { announce, attempt, names, clock } = world();
    announce("a", true);
    await attempt(0).fail();
    announce("a", false);
    expect(names()).toHaveLength(1);
    clock.advance(1_000);
    expect(names()).toEqual(["a online", "a offline"]);
  });

  test("starts with the shortest pause again once the store has worked", async () => {
    const { announce, attempt, names, clock, log } = world();
    announce("a", true);
    await attempt(0).fail();
    clock.advance(1_000);
    announce("a", false);
    await attempt(1).succeed();
    await attempt(2).fail();
    clock.advance(1_000);
    expect(names()).toEqual(["a online", "a online", "a offline", "a offline"]);
    expect(log.of("presence.failed").map(({ failures }) => failures)).toEqual([1, 1]);
  });

  test("gives up in the end on a device that is offline, and says so", async () => {
    const { announce, attempt, names, clock, log } = world();
    announce("a", false);
    for (let index = 0; index <= LIMITS.presenceRetriesMax; index += 1) {
      await attempt(index).fail();
      clock.advance(LIMITS.presenceRetryMaxMs);
    }
    expect(names()).toHaveLength(LIMITS.presenceRetriesMax + 1);
    expect(clock.pending).toBe(0);
    expect(log.lines.at(-1)).toMatchObject({ level: "error", fields: { online: false } });
    announce("a", true);
    expect(names().at(-1)).toBe("a online");
  });

  test("never gives up on a device that is online", async () => {
    const { announce, attempt, names, clock } = world();
    announce("a", true);
    for (let index = 0; index < 50; index += 1) {
      await attempt(index).fail();
      clock.advance(LIMITS.presenceRetryMaxMs);
    }
    expect(names()).toHaveLength(51);
  });
});

describe("forget()", () => {
  test("stops trying", async () => {
    const { announce, attempt, names, clock, announcer, log } = world();
    announce("a", true);
    await attempt(0).fail();
    announcer.forget(parseDeviceId("a"));
    clock.advance(60_000);
    expect(names()).toEqual(["a online"]);
    expect(clock.pending).toBe(0);
    announce("a", true);
    announcer.forget(parseDeviceId("a"));
    await attempt(1).fail();
    clock.advance(60_000);
    expect(names()).toEqual(["a online", "a online"]);
    expect(log.lines.map(({ level }) => level)).toEqual(["warn", "error"]);
  });
});

describe("stop()", () => {
  test("waits for what is being stored and starts nothing more", async () => {
    const { announce, attempt, names, announcer, clock } = world();
    for (const id of ["a", "b", "c"]) announce(id, true);
    announce("a", false);
    let hasStopped = false;
    const stopping = announcer.stop().then(() => {
      hasStopped = true;
    });
    await attempt(0).succeed();
    expect(hasStopped).toBe(false);
    await attempt(1).fail();
    await stopping;
    announce("d", true);
    clock.advance(60_000);
    expect(names()).toEqual(["a online", "b online"]);
    expect(clock.pending).toBe(0);
  });
});
