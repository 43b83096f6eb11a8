import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type CommandWaiter, createCommandWaiters } from "../../../src/core/command-waiters.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import type { StopSignal } from "../../../src/core/ports/stop-signal.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const ID = parseDeviceId("kiosk-1");
const OTHER = parseDeviceId("kiosk-2");
const WAIT_MS = 25_000;

function world(limits = { commandWaitersPerDevice: 3, commandWaitersMax: 5 }) {
  const clock = new FakeClock();
  const waiters = createCommandWaiters({ clock, limits });
  const heard: string[] = [];
  /** Waits and writes down under `name` what became of it. */
  function listen(name: string, waiter: CommandWaiter, signal?: StopSignal): void {
    void waiter.wait(WAIT_MS, signal).then((outcome) => heard.push(`${name} ${outcome}`));
  }
  return { clock, waiters, heard, listen };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

describe("wait()", () => {
  test("ends when the device is woken, and no timer is left", async () => {
    const { waiters, clock, heard, listen } = world();
    listen("a", waiters.join(ID));
    expect(clock.pending).toBe(1);
    expect(waiters.wake(ID)).toBe(true);
    await turns();
    expect(heard).toEqual(["a woken"]);
    expect(clock.pending).toBe(0);
  });

  test("ends when its time is over, not before, and has left then", async () => {
    const { waiters, clock, heard, listen } = world();
    listen("a", waiters.join(ID));
    clock.advance(WAIT_MS - 1);
    await turns();
    expect(heard).toEqual([]);
    clock.advance(1);
    expect(waiters.wake(ID)).toBe(false);
    expect(waiters.count).toBe(0);
    await turns();
    expect(heard).toEqual(["a timeout"]);
  });

  test("ends when the peer goes, and has left then", async () => {
    const { waiters, clock, heard, listen } = world();
    const gone = new AbortController();
    listen("a", waiters.join(ID), gone.signal);
    gone.abort();
    expect(waiters.wake(ID)).toBe(false);
    await turns();
    expect(heard).toEqual(["a released"]);
    expect([waiters.count, clock.pending]).toEqual([0, 0]);
  });

  test("leaves nothing on the signal of a peer that stays", async () => {
    const { waiters, heard, listen } = world();
    const listeners = new Set<() => void>();
    const signal: StopSignal = {
      aborted: false,
      addEventListener: (_, listener) => void listeners.add(listener),
      removeEventListener: (_, listener) => void listeners.delete(listener),
    };
    listen("a", waiters.join(ID), signal);
    expect(listeners.size).toBe(1);
    waiters.wake(ID);
    await turns();
    expect(heard).toEqual(["a woken"]);
    expect(listeners.size).toBe(0);
  });

  test("ends at once when the peer has gone before", async () => {
    const { waiters } = world();
    expect(await waiters.join(ID).wait(WAIT_MS, AbortSignal.abort())).toBe("released");
    expect(waiters.count).toBe(0);
  });

  test("ends at once when a wake came while a lease was under way", async () => {
    const { waiters } = world();
    const waiter = waiters.join(ID);
    expect(waiters.wake(ID)).toBe(true);
    expect(await waiter.wait(WAIT_MS)).toBe("woken");
  });

  test("uses up one wake with one wait, however many came", async () => {
    const { waiters, heard, listen } = world();
    const waiter = waiters.join(ID);
    waiters.wake(ID);
    waiters.wake(ID);
    expect(await waiter.wait(WAIT_MS)).toBe("woken");
    listen("again", waiter);
    await turns();
    expect(heard).toEqual([]);
  });

  test("can follow a timeout, by joining anew", async () => {
    const { waiters, clock, heard, listen } = world();
    const waiter = waiters.join(ID);
    listen("first", waiter);
    clock.advance(WAIT_MS);
    await turns();
    listen("second", waiter);
    expect(waiters.wake(ID)).toBe(true);
    await turns();
    expect(heard).toEqual(["first timeout", "second woken"]);
  });

  test("cannot be done twice at a time", async () => {
    const { waiters, listen } = world();
    const waiter = waiters.join(ID);
    listen("a", waiter);
    await expect(waiter.wait(WAIT_MS)).rejects.toThrow("Cannot wait twice at a time");
  });

  test("is over for one that left while it looked for commands", async () => {
    const { waiters } = world();
    const waiter = waiters.join(ID);
    waiter.leave();
    expect(await waiter.wait(WAIT_MS)).toBe("released");
    expect(waiters.count).toBe(0);
  });
});

describe("wake()", () => {
  test("wakes the newest of several and nobody else", async () => {
    const { waiters, heard, listen } = world();
    for (const name of ["old", "mid", "new"]) listen(name, waiters.join(ID));
    listen("other", waiters.join(OTHER));
    waiters.wake(ID);
    await turns();
    expect(heard).toEqual(["new woken"]);
    waiters.wake(ID);
    await turns();
    expect(heard).toEqual(["new woken", "mid woken"]);
  });

  test("prefers one that waits to a newer one that is busy", async () => {
    const { waiters, heard, listen } = world();
    listen("waiting", waiters.join(ID));
    waiters.join(ID);
    waiters.wake(ID);
    await turns();
    expect(heard).toEqual(["waiting woken"]);
  });

  test("finds nobody where nobody waits", () => {
    const { waiters } = world();
    waiters.join(OTHER);
    expect(waiters.wake(ID)).toBe(false);
  });
});

describe("leave()", () => {
  test("ends the wait, twice without harm", async () => {
    const { waiters, clock, heard, listen } = world();
    const waiter = waiters.join(ID);
    listen("a", waiter);
    expect([waiter.leave(), waiter.leave()]).toEqual([true, true]);
    await turns();
    expect(heard).toEqual(["a released"]);
    expect([waiters.count, clock.pending]).toEqual([0, 0]);
    expect(waiters.wake(ID)).toBe(false);
  });

  test("passes a wake on that it did not use", async () => {
    const { waiters, heard, listen } = world();
    const busy = waiters.join(ID);
    waiters.wake(ID);
    listen("idle", waiters.join(ID));
    expect(busy.leave()).toBe(true);
    await turns();
    expect(heard).toEqual(["idle woken"]);
  });

  test("says when nobody else can take the wake", () => {
    const { waiters } = world();
    const busy = waiters.join(ID);
    waiters.wake(ID);
    expect(busy.leave()).toBe(false);
    expect(busy.leave()).toBe(true);
  });

  test("passes on the wake of one whose peer has gone meanwhile", async () => {
    const { waiters, heard, listen } = world();
    const busy = waiters.join(ID);
    waiters.wake(ID);
    listen("idle", waiters.join(ID));
    expect(await busy.wait(WAIT_MS, AbortSignal.abort())).toBe("released");
    busy.leave();
    await turns();
    expect(heard).toEqual(["idle woken"]);
  });
});

describe("join()", () => {
  test("lets the oldest of a device go that has as many as it may, and tells who minds", async () => {
    const { waiters, heard, listen } = world();
    const replaced: string[] = [];
    const join = (name: string) => waiters.join(ID, () => replaced.push(name));
    const first = join("first");
    listen("first", first);
    for (const name of ["second", "third"]) join(name);
    listen("other", waiters.join(OTHER));
    join("fourth");
    expect([replaced, first.releasedBy, waiters.count]).toEqual([["first"], "replaced", 4]);
    join("fifth");
    await turns();
    expect(replaced).toEqual(["first", "second"]);
    expect(heard).toEqual(["first released"]);
  });

  test("passes on the wake of one that was replaced before it could use it", async () => {
    const { waiters, heard, listen } = world();
    const busy = waiters.join(ID);
    waiters.wake(ID);
    for (const name of ["b", "c", "d"]) listen(name, waiters.join(ID));
    expect(await busy.wait(WAIT_MS)).toBe("released");
    expect(busy.leave()).toBe(true);
    await turns();
    expect(heard).toEqual(["d woken"]);
  });

  test("refuses more than there may be in total", () => {
    const { waiters } = world();
    for (let index = 0; index < 5; index += 1) waiters.join(parseDeviceId(`d-${index}`));
    expect(() => waiters.join(ID)).toThrow(expect.objectContaining({ kind: "busy" }));
  });
});

describe("release()", () => {
  test("ends the waits of one device, those that are busy at their next", async () => {
    const { waiters, clock, heard, listen } = world();
    const busy = waiters.join(ID);
    listen("idle", waiters.join(ID));
    listen("other", waiters.join(OTHER));
    waiters.release(ID);
    expect(waiters.wake(ID)).toBe(false);
    listen("busy", busy);
    await turns();
    expect(heard.toSorted()).toEqual(["busy released", "idle released"]);
    expect([busy.releasedBy, waiters.count, clock.pending]).toEqual(["dismissed", 1, 1]);
    expect(waiters.join(ID).releasedBy).toBeUndefined();
  });
});

describe("releaseAll()", () => {
  test("ends every wait, and each later one at once", async () => {
    const { waiters, clock, heard, listen } = world();
    const busy = waiters.join(ID);
    listen("a", waiters.join(ID));
    listen("b", waiters.join(OTHER));
    waiters.releaseAll();
    listen("busy", busy);
    listen("late", waiters.join(ID));
    await turns();
    expect(heard.toSorted()).toEqual([
      "a released",
      "b released",
      "busy released",
      "late released",
    ]);
    expect([waiters.count, clock.pending]).toEqual([0, 0]);
  });
});

test("10,000 held polls cost one timer each, and nothing once they are over", async () => {
  const limits = { commandWaitersPerDevice: 3, commandWaitersMax: 10_000 };
  const clock = new FakeClock();
  const waiters = createCommandWaiters({ clock, limits });
  const polls = Array.from({ length: 10_000 }, (_, index) =>
    waiters.join(parseDeviceId(`d-${index}`)).wait(WAIT_MS),
  );
  expect([waiters.count, clock.pending]).toEqual([10_000, 10_000]);
  waiters.releaseAll();
  expect(new Set(await Promise.all(polls))).toEqual(new Set(["released"]));
  expect([waiters.count, clock.pending]).toEqual([0, 0]);
});

test("no command stays behind while somebody waits, whatever polls do", async () => {
  const step = fc.constantFrom("join", "lease", "queue", "leave", "timeout");
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const { waiters, clock } = world({ commandWaitersPerDevice: 99, commandWaitersMax: 99 });
      let queued = 0;
      const busy: CommandWaiter[] = [];
      const idle = new Set<CommandWaiter>();
      /** What every receiver does: lease, and wait when that brought nothing. */
      const lease = (waiter: CommandWaiter): void => {
        if (queued > 0) {
          queued -= 1;
          busy.push(waiter);
          return;
        }
        idle.add(waiter);
        void waiter.wait(WAIT_MS).then((outcome) => {
          idle.delete(waiter);
          if (outcome === "woken") lease(waiter);
        });
      };
      const moves = {
        join: () => void busy.push(waiters.join(ID)),
        lease: () => busy.splice(0, 1).forEach(lease),
        queue: () => {
          queued += 1;
          waiters.wake(ID);
        },
        leave: () => void busy.pop()?.leave(),
        timeout: () => clock.advance(WAIT_MS),
      };
      for (const name of steps) {
        moves[name]();
        await turns();
        // Those that are busy look once more before they wait or pass the wake on when they leave.
        if (busy.length === 0) expect(idle.size === 0 || queued === 0).toBe(true);
      }
    }),
  );
});
