import { describe, expect, test } from "bun:test";
import type { CommandId } from "../../../src/core/command.ts";
import type { Fetched } from "../../../src/core/command-receiving.ts";
import { emptyState } from "../../../src/core/device-state.ts";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import {
  commandsWorld,
  FakeReceiver,
  KIOSK,
  never,
  pass,
  turns,
} from "../../support/commands-world.ts";
import { MemoryCommands } from "../../support/memory-commands.ts";

const WAIT_MS = 25_000;

function deliveriesOf({ commands }: Fetched): string[] {
  return commands.map(({ id, attempt }) => `${id} ${attempt}`);
}

describe("fetch()", () => {
  test("leases what waits, higher priorities first and equal ones in their order", async () => {
    const { send, fetch } = commandsWorld();
    const low = [await send(), await send()];
    const high = await send({ priority: 5 });
    const wanted = [high, ...low].map(({ id }) => `${id} 1`);
    expect(deliveriesOf(await fetch())).toEqual(wanted);
    expect(deliveriesOf(await fetch())).toEqual([]);
  });

  test("asks the store for no lease while nothing waits", async () => {
    const { fetch, clock, queue, send } = commandsWorld();
    const poll = fetch(WAIT_MS);
    await turns();
    clock.advance(WAIT_MS);
    await poll;
    expect([queue.looks, queue.leases.length]).toEqual([1, 0]);
    const { id } = await send();
    expect(deliveriesOf(await fetch(WAIT_MS))).toEqual([`${id} 1`]);
  });

  test("finds what is queued while it looks whether anything waits", async () => {
    const { fetch, queue, send } = commandsWorld();
    const { promise: looked, resolve: answer } = Promise.withResolvers<void>();
    queue.waitingCommands = async () => {
      queue.looks += 1;
      if (queue.looks > 1) return MemoryCommands.prototype.waitingCommands.call(queue, KIOSK);
      await looked;
      return undefined;
    };
    const poll = fetch(WAIT_MS);
    await turns();
    const { id } = await send();
    answer();
    expect(deliveriesOf(await poll)).toEqual([`${id} 1`]);
  });

  test("leases no more than asked for, and the rest to the next one", async () => {
    const { send, fetch } = commandsWorld();
    const [a, b, c] = [await send(), await send(), await send()];
    expect(deliveriesOf(await fetch(0, 2))).toEqual([`${a.id} 1`, `${b.id} 1`]);
    expect(deliveriesOf(await fetch(0, 2))).toEqual([`${c.id} 1`]);
  });

  test("leases no more than one answer may weigh, and the rest to the next one", async () => {
    const { send, fetch } = commandsWorld();
    const data = JSON.stringify("x".repeat(LIMITS.eventMaxBytes - 2));
    for (let sent = 0; sent < 50; sent += 1) await send({ data });
    const first = (await fetch(0, 100)).commands.length;
    expect(first).toBe(LIMITS.commandPageMaxChars / LIMITS.eventMaxBytes);
    expect((await fetch(0, 100)).commands).toHaveLength(50 - first);
  });

  test("leases as many as asked for when they are small", async () => {
    const { send, fetch } = commandsWorld();
    for (let sent = 0; sent < 100; sent += 1) await send();
    const { commands } = await fetch(0, 100);
    expect(new Set(commands.map(({ id }) => id)).size).toBe(100);
    expect(new Set(commands.map(({ receiver }) => receiver)).size).toBe(1);
  });

  test("ends with nothing when the time is up, not before, and leaves no timer", async () => {
    const { fetch, clock } = commandsWorld();
    const timers = clock.pending;
    let isOver = false;
    const poll = fetch(WAIT_MS).finally(() => {
      isOver = true;
    });
    await turns();
    clock.advance(WAIT_MS - 1);
    await turns();
    expect(isOver).toBe(false);
    clock.advance(1);
    expect(await poll).toMatchObject({ commands: [], isReleased: false });
    expect(clock.pending).toBe(timers);
  });

  test("of a peer that hangs up ends, leaves no waiter, and keeps the command for the next", async () => {
    const { send, fetch, clock, queue } = commandsWorld();
    const timers = clock.pending;
    const gone = new AbortController();
    const poll = fetch(WAIT_MS, 10, gone.signal);
    await turns();
    gone.abort();
    expect(await poll).toMatchObject({ commands: [] });
    expect(clock.pending).toBe(timers);
    const { id } = await send();
    expect(queue.records.get(id)?.status).toBe("queued");
    expect(deliveriesOf(await fetch())).toEqual([`${id} 1`]);
  });

  test("of a peer that is gone already leases nothing", async () => {
    const { send, fetch, queue } = commandsWorld();
    await send();
    expect(await fetch(WAIT_MS, 10, AbortSignal.abort())).toMatchObject({ commands: [] });
    expect(queue.leases).toEqual([]);
  });

  test("is let go when the server drains, as is every other", async () => {
    const { fetch, releaseAll, clock } = commandsWorld();
    const timers = clock.pending;
    const polls = Array.from({ length: 5 }, () => fetch(WAIT_MS));
    await turns();
    releaseAll();
    for (const poll of polls) expect(await poll).toMatchObject({ commands: [], isReleased: true });
    expect(clock.pending).toBe(timers);
  });

  test("is let go when too many newer ones of the device wait", async () => {
    const { fetch, clock } = commandsWorld();
    const [oldest, ...others] = Array.from({ length: LIMITS.commandWaitersPerDevice }, () =>
      fetch(WAIT_MS),
    );
    const newest = fetch(WAIT_MS);
    expect(await oldest).toMatchObject({ commands: [], isReleased: true });
    clock.advance(WAIT_MS);
    for (const poll of [...others, newest]) expect((await poll).isReleased).toBe(false);
  });

  test("of a device that was dismissed ends with nothing, and what comes is for the next", async () => {
    const { fetch, send, receivers, presence } = commandsWorld();
    const poll = fetch(WAIT_MS);
    await turns();
    receivers.dismiss(KIOSK);
    const { id } = await send();
    expect(await poll).toMatchObject({ commands: [], isReleased: false });
    expect(presence.posts).toBe(0);
    expect(deliveriesOf(await fetch())).toEqual([`${id} 1`]);
  });

  test.each(["dismissed", "cut"])(
    "that is %s while it leases gives back what it got, at once and with its attempt counted",
    async (how) => {
      const { fetch, send, receivers, queue, desire } = commandsWorld();
      const { id } = await send();
      if (how === "dismissed") desire('{"a":1}', 1);
      const gone = new AbortController();
      const lease = queue.leaseCommands.bind(queue);
      queue.leaseCommands = async (request) => {
        const commands = await lease(request);
        queue.leaseCommands = lease;
        if (how === "dismissed") receivers.dismiss(KIOSK);
        else gone.abort();
        return commands;
      };
      const poll = fetch(WAIT_MS, 10, gone.signal);
      const other = fetch(WAIT_MS);
      expect(await poll).toMatchObject({ commands: [], isReleased: false });
      expect(await poll).not.toHaveProperty("state");
      if (how === "dismissed") expect(deliveriesOf(await other)).toEqual([]);
      else expect(deliveriesOf(await other)).toEqual([`${id} 2`]);
      expect(queue.changes.slice(0, 3)).toEqual([
        `${id} queued 0`,
        `${id} leased 1`,
        `${id} queued 1`,
      ]);
    },
  );

  test.each(["revoked", "gone"] as const)(
    "that is woken and whose device another process has %s leases nothing",
    async (standing) => {
      const world = commandsWorld();
      const { fetch, send, receiving, admit, gone, queue, grown } = world;
      world.standing.now = standing;
      const poll = fetch(WAIT_MS);
      await turns();
      const anew = { ...admit(KIOSK), standing: async () => "good" as const };
      const fetching = { waitMs: WAIT_MS, max: 10, signal: never() };
      const other = standing === "revoked" ? receiving.fetch(anew, fetching) : undefined;
      await turns();
      // The newest is woken: this has to be the other one's turn afterwards.
      const first = await send();
      const second = await send();
      expect(await poll).toMatchObject({ commands: [], isReleased: false });
      expect(gone).toEqual(standing === "gone" ? [KIOSK] : []);
      if (other === undefined) expect(queue.leases).toEqual([]);
      else expect(deliveriesOf(await other)[0]).toBe(`${first.id} 1`);
      expect(queue.records.get(second.id)?.attempt).toBeLessThanOrEqual(1);
      expect(grown.length).toBeGreaterThan(0);
    },
  );

  test("passes the wake on that it may not use", async () => {
    const world = commandsWorld();
    const { fetch, send, receiving, admit } = world;
    const anew = { ...admit(KIOSK), standing: async () => "good" as const };
    const other = receiving.fetch(anew, { waitMs: WAIT_MS, max: 10, signal: never() });
    await turns();
    world.standing.now = "revoked";
    const poll = fetch(WAIT_MS);
    await turns();
    const { id } = await send();
    expect(deliveriesOf(await poll)).toEqual([]);
    expect(deliveriesOf(await other)).toEqual([`${id} 1`]);
  });

  test("offers no state at its end to a device that would not be let in any more", async () => {
    const { fetch, desire, clock, standing } = commandsWorld();
    desire('{"a":1}', 1);
    await fetch(WAIT_MS);
    const poll = fetch(WAIT_MS);
    await turns();
    standing.now = "revoked";
    clock.advance(WAIT_MS);
    expect(await poll).not.toHaveProperty("state");
  });

  test("rejects when the store fails, and leaves no waiter", async () => {
    const { fetch, queue, presence, clock } = commandsWorld();
    const timers = clock.pending;
    queue.failure = new Fault("store_failed");
    expect(await fetch(WAIT_MS).catch((error: unknown) => error)).toMatchObject({
      code: "store_failed",
    });
    expect([presence.holds, clock.pending]).toEqual([0, timers]);
  });

  test("passes a wake that it could not use on to the wake-up push, once it holds nothing", async () => {
    const { fetch, desiredChanged, grown, presence } = commandsWorld();
    const gone = new AbortController();
    const held: number[] = [];
    const push = grown.push.bind(grown);
    grown.push = (...devices) => {
      held.push(presence.holds);
      return push(...devices);
    };
    const poll = fetch(WAIT_MS, 10, gone.signal);
    // It has looked and does not wait yet.
    desiredChanged(KIOSK);
    gone.abort();
    await poll;
    expect([grown, held]).toEqual([[KIOSK], [0]]);
  });
});

describe("a device counts as online", () => {
  test("while its poll is held, and no longer when it hung up", async () => {
    const { fetch, presence } = commandsWorld();
    const gone = new AbortController();
    const poll = fetch(WAIT_MS, 10, gone.signal);
    await turns();
    expect(presence.holds).toBe(1);
    gone.abort();
    await poll;
    expect([presence.holds, presence.posts]).toEqual([0, 0]);
  });

  test("as heard of when its poll brought it something to do", async () => {
    const { send, fetch, presence } = commandsWorld();
    await send();
    await fetch(WAIT_MS);
    expect([presence.holds, presence.posts]).toEqual([0, 1]);
  });
});

describe("ackLease()", () => {
  test("acknowledges all that the cursor's answer held, and nothing else", async () => {
    const { send, fetch, receiving, queue } = commandsWorld();
    const [a, b, c] = [await send(), await send(), await send()];
    const first = await fetch(0, 2);
    await fetch(0, 2);
    await receiving.ackLease(KIOSK, first.cursor);
    const statuses = [a, b, c].map(({ id }) => queue.records.get(id)?.status);
    expect(statuses).toEqual(["acked", "acked", "leased"]);
  });

  test("leaves what was redelivered meanwhile to its new receiver", async () => {
    const { send, fetch, receiving, clock, queue } = commandsWorld();
    const { id } = await send();
    const first = await fetch();
    await pass({ clock }, LIMITS.commandLeaseMs);
    await fetch();
    await receiving.ackLease(KIOSK, first.cursor);
    expect(queue.records.get(id)).toMatchObject({ status: "leased", attempt: 2 });
  });

  test("of a cursor that nobody gave changes nothing", async () => {
    const { send, fetch, receiving, queue } = commandsWorld();
    const { id } = await send();
    await fetch();
    await receiving.ackLease(KIOSK, "made-up");
    expect(queue.records.get(id)?.status).toBe("leased");
  });
});

describe("a lease that is over", () => {
  test("delivers the command again, with the next attempt, to whoever waits", async () => {
    const { send, fetch, clock, grown } = commandsWorld();
    const { id } = await send();
    expect(deliveriesOf(await fetch())).toEqual([`${id} 1`]);
    const poll = fetch(LIMITS.commandLeaseMs + 10_000);
    await turns();
    await pass({ clock }, LIMITS.commandLeaseMs);
    expect(deliveriesOf(await poll)).toEqual([`${id} 2`]);
    expect(grown).toEqual([KIOSK, KIOSK]);
  });

  test("does not keep its device from telling the result", async () => {
    const { send, fetch, clock, receiving, queue } = commandsWorld();
    const { id } = await send();
    await fetch();
    await pass({ clock }, LIMITS.commandLeaseMs);
    expect(queue.records.get(id)?.status).toBe("queued");
    expect(await receiving.settle(KIOSK, id, { ok: true })).toMatchObject({ status: "done" });
    expect(deliveriesOf(await fetch())).toEqual([]);
  });

  test("of an acknowledged command does not exist", async () => {
    const { send, fetch, clock, receiving } = commandsWorld();
    const { id } = await send();
    await fetch();
    await receiving.ack(KIOSK, id);
    await pass({ clock }, LIMITS.commandLeaseMs);
    expect(deliveriesOf(await fetch())).toEqual([]);
  });
});

test("ack() and settle() refuse what was never delivered and what does not exist", async () => {
  const { send, receiving } = commandsWorld();
  const { id } = await send();
  const codes = await Promise.all(
    [
      receiving.ack(KIOSK, id),
      receiving.settle(KIOSK, id, { ok: true }),
      receiving.ack(KIOSK, "nothing" as CommandId),
    ].map((work) => work.catch((error: Fault) => error.code)),
  );
  expect(codes).toEqual(["command_undelivered", "command_undelivered", "command_unknown"] as never);
});

describe("a desired state", () => {
  const wanted = '{"volume":7}';

  test("ends a poll at once that has not been offered it yet", async () => {
    const { fetch, desire } = commandsWorld();
    desire(wanted, 1);
    const { commands, state } = await fetch(WAIT_MS);
    expect(commands).toEqual([]);
    expect(state).toEqual({ delta: wanted, version: 1 });
  });

  test("ends a held poll when it changes", async () => {
    const { fetch, desire } = commandsWorld();
    const poll = fetch(WAIT_MS);
    await turns();
    desire(wanted, 1);
    expect((await poll).state?.version).toBe(1);
  });

  test("that was offered waits for the end of the next poll, while it is not followed", async () => {
    const { fetch, desire, clock } = commandsWorld();
    desire(wanted, 1);
    await fetch(WAIT_MS);
    let isOver = false;
    const poll = fetch(WAIT_MS).finally(() => {
      isOver = true;
    });
    await turns();
    expect(isOver).toBe(false);
    clock.advance(WAIT_MS);
    expect((await poll).state).toEqual({ delta: wanted, version: 1 });
  });

  test("that the device has followed meanwhile is not offered at the end", async () => {
    const { fetch, desire, clock, states } = commandsWorld();
    desire(wanted, 1);
    await fetch(WAIT_MS);
    const poll = fetch(WAIT_MS);
    await turns();
    const document = { text: wanted, version: 1 };
    states.set(KIOSK, { ...emptyState(KIOSK), reported: document, desired: document });
    clock.advance(WAIT_MS);
    expect((await poll).state).toBeUndefined();
  });

  test("comes with every answer that brings commands", async () => {
    const { send, fetch, desire } = commandsWorld();
    desire(wanted, 1);
    await fetch(WAIT_MS);
    await send();
    const { commands, state } = await fetch(WAIT_MS);
    expect(commands).toHaveLength(1);
    expect(state?.version).toBe(1);
  });

  test("does not count as offered to a peer that hung up", async () => {
    const { fetch, desire } = commandsWorld();
    const gone = new AbortController();
    const poll = fetch(WAIT_MS, 10, gone.signal);
    await turns();
    desire(wanted, 1);
    gone.abort();
    await poll;
    expect((await fetch(WAIT_MS)).state?.version).toBe(1);
  });
});

test("each of many commands reaches exactly one of polls, streams and sockets", async () => {
  const world = commandsWorld();
  const { send, fetch, receiving } = world;
  const receivers = [new FakeReceiver(world), new FakeReceiver(world)];
  const gone = new AbortController();
  const got: string[] = [];
  const poll = async () => {
    while (!gone.signal.aborted) {
      const { commands } = await fetch(WAIT_MS, 3, gone.signal);
      for (const { id } of commands) got.push(id);
      await Promise.all(commands.map(({ id }) => receiving.settle(KIOSK, id, { ok: true })));
    }
  };
  const polls = [poll(), poll()];
  const sent: string[] = [];
  for (let count = 0; count < 60; count += 1) {
    sent.push((await send()).id);
    for (const { commands } of receivers) {
      const unanswered = commands.filter(({ id }) => !got.includes(id));
      for (const { id } of unanswered) {
        got.push(id);
        await receiving.settle(KIOSK, id, { ok: true });
      }
    }
  }
  await turns(300);
  for (const { commands } of receivers) {
    for (const { id } of commands) if (!got.includes(id)) got.push(id);
  }
  gone.abort();
  await Promise.all(polls);
  const times = receivers.flatMap(({ commands }) => commands.map(({ attempt }) => attempt));
  expect(got.toSorted()).toEqual(sent.toSorted());
  expect(times.every((attempt) => attempt === 1)).toBe(true);
});

test("a poll does not wait on a signal that never comes", async () => {
  const { fetch } = commandsWorld();
  expect(await fetch(0, 10, never())).toMatchObject({ commands: [] });
});
