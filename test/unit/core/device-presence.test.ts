import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { createDevicePresence } from "../../../src/core/device-presence.ts";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { encodeOwnEvent } from "../../../src/core/own-event.ts";
import { type PresenceChange, presenceEvent } from "../../../src/core/presence-event.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const TTL_MS = 90_000;
const GRACE_MS = 10_000;
const RETURN_MS = 30_000;
const ID = parseDeviceId("kiosk-1");
const OTHER = parseDeviceId("kiosk-2");

/** Presence over a store that keeps what it is told, as `12 kiosk-1 online held` (12 s after the start). */
function world() {
  const clock = new FakeClock();
  const startMs = clock.nowMs();
  const told: string[] = [];
  const store = { isBroken: false };
  const presence = createDevicePresence({
    clock,
    log: new RecordingLog(),
    limits: LIMITS,
    onlineTtlMs: TTL_MS,
    offlineGraceMs: GRACE_MS,
    returnMs: RETURN_MS,
    async store({ device, online, atMs, reason }: PresenceChange) {
      if (store.isBroken) throw new Fault("store_failed");
      const seconds = (atMs - startMs) / 1000;
      told.push(`${seconds} ${device} ${online ? "online" : "offline"} ${reason}`);
    },
  });

  /** Time goes on second by second, with room for the store in between. */
  async function pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      clock.advance(1_000);
      await settleStore();
    }
  }
  return { clock, told, store, presence, pass };
}

describe("hold()", () => {
  test("keeps a device online for as long as it is held", async () => {
    const { presence, told, pass } = world();
    presence.hold(ID);
    await pass(1_000);
    expect(told).toEqual(["0 kiosk-1 online held"]);
    expect(presence.count).toBe(1);
  });

  test("makes the device offline a grace after it was released", async () => {
    const { presence, told, pass, clock } = world();
    const release = presence.hold(ID);
    await pass(100);
    release();
    await pass(9);
    expect(told).toHaveLength(1);
    await pass(1);
    expect(told).toEqual(["0 kiosk-1 online held", "110 kiosk-1 offline released"]);
    expect([presence.count, clock.pending]).toEqual([0, 0]);
  });

  test("sees no transition in the gaps between polls", async () => {
    const { presence, told, pass } = world();
    for (let poll = 0; poll < 20; poll += 1) {
      const release = presence.hold(ID);
      await pass(25);
      release();
      await pass(9);
    }
    expect(told).toEqual(["0 kiosk-1 online held"]);
  });

  test("tells each gap that is longer than the grace once", async () => {
    const { presence, told, pass } = world();
    for (let poll = 0; poll < 2; poll += 1) {
      const release = presence.hold(ID);
      await pass(5);
      release();
      await pass(15);
    }
    expect(told).toEqual([
      "0 kiosk-1 online held",
      "15 kiosk-1 offline released",
      "20 kiosk-1 online held",
      "35 kiosk-1 offline released",
    ]);
  });

  test("counts every poll, stream and socket, and each release once", async () => {
    const { presence, told, pass } = world();
    const first = presence.hold(ID);
    const second = presence.hold(ID);
    first();
    first();
    await pass(60);
    expect(told).toEqual(["0 kiosk-1 online held"]);
    second();
    await pass(10);
    expect(told).toHaveLength(2);
  });
});

describe("idleMs()", () => {
  test("is 0 while the device holds something, and then the time since its last hold ended", async () => {
    const { presence, pass } = world();
    const first = presence.hold(ID);
    const second = presence.hold(ID);
    await pass(5);
    first();
    expect(presence.idleMs(ID)).toBe(0);
    second();
    // Not 0: it holds nothing any more.
    expect(presence.idleMs(ID)).toBe(1);
    await pass(3);
    presence.posted(ID);
    expect(presence.idleMs(ID)).toBe(3_000);
    presence.hold(ID);
    expect(presence.idleMs(ID)).toBe(0);
  });

  test("is endless for a device that never held anything, or is offline", async () => {
    const { presence, pass } = world();
    expect(presence.idleMs(ID)).toBe(Number.POSITIVE_INFINITY);
    presence.posted(ID);
    expect(presence.idleMs(ID)).toBe(Number.POSITIVE_INFINITY);
    presence.resume([{ device: OTHER }]);
    expect(presence.idleMs(OTHER)).toBe(Number.POSITIVE_INFINITY);
    presence.hold(ID)();
    await pass(100);
    expect(presence.idleMs(ID)).toBe(Number.POSITIVE_INFINITY);
  });
});

test("idleMs() says of nobody that it is idle once all is over", async () => {
  const { presence } = world();
  presence.hold(ID);
  await presence.stop();
  expect([presence.idleMs(ID), presence.idleMs(OTHER)]).toEqual([0, 0]);
});

describe("a store that fails", () => {
  test("is told in the end that a device is online", async () => {
    const { presence, store, told, pass } = world();
    store.isBroken = true;
    presence.hold(ID);
    await pass(3_600);
    store.isBroken = false;
    await pass(60);
    expect(told).toEqual(["0 kiosk-1 online held"]);
  });

  test("is told nothing of what was over before it worked again, but the last of it", async () => {
    const { presence, store, told, pass } = world();
    presence.hold(ID)();
    await pass(5);
    store.isBroken = true;
    await pass(15);
    const release = presence.hold(ID);
    await pass(15);
    release();
    await pass(30);
    store.isBroken = false;
    await pass(60);
    expect(told).toEqual(["0 kiosk-1 online held", "45 kiosk-1 offline released"]);
  });
});

describe("posted()", () => {
  test("keeps a device online for the ttl and the grace", async () => {
    const { presence, told, pass } = world();
    presence.posted(ID);
    await pass(99);
    expect(told).toEqual(["0 kiosk-1 online posted"]);
    await pass(1);
    expect(told).toEqual(["0 kiosk-1 online posted", "100 kiosk-1 offline silent"]);
  });

  test("starts the ttl anew with each post, for one timer", async () => {
    const { presence, told, pass, clock } = world();
    for (let post = 0; post < 50; post += 1) {
      presence.posted(ID);
      expect(clock.pending).toBe(1);
      await pass(60);
    }
    expect(told).toEqual(["0 kiosk-1 online posted"]);
    await pass(40);
    expect(told).toEqual(["0 kiosk-1 online posted", "3040 kiosk-1 offline silent"]);
  });

  test("outlasts a poll that ends before the ttl does", async () => {
    const { presence, told, pass } = world();
    presence.posted(ID);
    const release = presence.hold(ID);
    await pass(25);
    release();
    await pass(74);
    expect(told).toHaveLength(1);
    await pass(1);
    expect(told.at(-1)).toBe("100 kiosk-1 offline silent");
  });

  test("is outlasted by a poll that is held longer than the ttl", async () => {
    const { presence, told, pass } = world();
    presence.posted(ID);
    const release = presence.hold(ID);
    await pass(300);
    expect(told).toHaveLength(1);
    release();
    await pass(10);
    expect(told.at(-1)).toBe("310 kiosk-1 offline released");
  });

  test("tells devices apart", async () => {
    const { presence, told, pass } = world();
    presence.posted(ID);
    await pass(50);
    presence.posted(OTHER);
    await pass(60);
    expect(told).toEqual([
      "0 kiosk-1 online posted",
      "50 kiosk-2 online posted",
      "100 kiosk-1 offline silent",
    ]);
  });
});

describe("resume()", () => {
  test("makes devices offline once that do not come back in the time they have for it and the grace", async () => {
    const { presence, told, pass } = world();
    presence.resume([{ device: ID }, { device: OTHER }]);
    await pass(39);
    expect(told).toEqual([]);
    await pass(100);
    expect(told).toEqual(["40 kiosk-1 offline restarted", "40 kiosk-2 offline restarted"]);
  });

  test("tells nothing of a device that comes back in time", async () => {
    const { presence, told, pass } = world();
    presence.resume([{ device: ID }]);
    await pass(39);
    presence.hold(ID);
    await pass(100);
    expect(told).toEqual([]);
  });

  test("tells of a device that comes back too late that it was away", async () => {
    const { presence, told, pass } = world();
    presence.resume([{ device: ID }]);
    await pass(42);
    presence.hold(ID);
    await pass(1);
    expect(told).toEqual(["40 kiosk-1 offline restarted", "42 kiosk-1 online held"]);
  });

  test.each([
    ["lately", 30_000, 70],
    ["some time ago", 70_000, 40],
    ["long ago, when its stream was opened", 3_600_000, 40],
    ["in the future, since the clock was set back", -3_600_000, 100],
  ])("grants what is left of the ttl to a device that was seen %s", async (_, agoMs, seconds) => {
    const { presence, told, pass, clock } = world();
    presence.resume([{ device: ID, seenAtMs: clock.nowMs() - agoMs }]);
    await pass(200);
    expect(told).toEqual([`${seconds} kiosk-1 offline restarted`]);
  });

  test("leaves a device alone that was back before", async () => {
    const { presence, told, pass } = world();
    const release = presence.hold(ID);
    presence.resume([{ device: ID }]);
    await pass(100);
    release();
    await pass(10);
    expect(told).toEqual(["0 kiosk-1 online held", "110 kiosk-1 offline released"]);
  });
});

describe("forget()", () => {
  test("ends all talk about a device, also when it is let go later", async () => {
    const { presence, told, pass, clock } = world();
    presence.posted(ID);
    const release = presence.hold(ID);
    await pass(1);
    presence.forget(ID);
    release();
    await pass(200);
    expect(told).toEqual(["0 kiosk-1 online posted"]);
    expect([presence.count, clock.pending]).toEqual([0, 0]);
  });

  test("ends the attempts to store something about a device", async () => {
    const { presence, store, told, pass, clock } = world();
    store.isBroken = true;
    presence.hold(ID);
    await pass(2);
    presence.forget(ID);
    store.isBroken = false;
    await pass(200);
    expect(told).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test("makes a device of the same id a new one", async () => {
    const { presence, told, pass } = world();
    const release = presence.hold(ID);
    await pass(1);
    presence.forget(ID);
    presence.hold(ID);
    release();
    await pass(200);
    expect(told).toEqual(["0 kiosk-1 online held", "1 kiosk-1 online held"]);
  });
});

describe("stop()", () => {
  test("takes nobody for offline because the server goes", async () => {
    const { presence, told, pass, clock } = world();
    const release = presence.hold(ID);
    presence.posted(OTHER);
    await pass(1);
    await presence.stop();
    release();
    presence.hold(ID)();
    presence.posted(OTHER);
    presence.resume([{ device: ID }]);
    await pass(200);
    expect(told).toEqual(["0 kiosk-1 online held", "0 kiosk-2 online posted"]);
    expect([presence.count, clock.pending]).toEqual([0, 0]);
  });
});

test("whatever a device does, online and offline take turns and agree with the rule in the end", async () => {
  const step = fc.tuple(fc.constantFrom("hold", "release", "posted"), fc.nat(120));
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
      const { presence, told, clock } = world();
      const held: (() => void)[] = [];
      for (const [action, seconds] of steps) {
        if (action === "hold") held.push(presence.hold(ID));
        else if (action === "posted") presence.posted(ID);
        else held.pop()?.();
        clock.advance(seconds * 1_000);
        await settleStore();
      }
      clock.advance(TTL_MS + GRACE_MS);
      await settleStore();
      const words = told.map((line) => line.split(" ")[2]);
      expect(words).toEqual(words.map((_, turn) => (turn % 2 === 0 ? "online" : "offline")));
      expect(words.at(-1) === "online").toBe(held.length > 0);
      expect(presence.count).toBe(held.length > 0 ? 1 : 0);
    }),
    { numRuns: 60 },
  );
});

/** Lets the announcer's promises end. */
async function settleStore(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

test("presenceEvent() tells the transition with its generation", () => {
  const change = { device: ID, online: true, atMs: 7, reason: "held" as const };
  expect(encodeOwnEvent(presenceEvent({ ...change, generation: 3 }))).toBe(
    '{"id":"kiosk-1.presence.3.7","type":"device.online","device":"kiosk-1","time":7,' +
      '"data":{"online":true,"generation":3,"reason":"held"}}',
  );
  expect(presenceEvent({ ...change, online: false, reason: "silent", generation: 4 }).type).toBe(
    "device.offline",
  );
});
