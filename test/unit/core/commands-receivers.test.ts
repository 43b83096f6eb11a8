import { describe, expect, test } from "bun:test";
import type { CommandId } from "../../../src/core/command.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { commandsWorld, FakeReceiver, KIOSK, pass, turns } from "../../support/commands-world.ts";
import type { FakeClock } from "../../support/fake-clock.ts";

async function opened() {
  const world = commandsWorld();
  const receiver = new FakeReceiver(world);
  await turns();
  return { ...world, world, receiver };
}

describe("an open stream or socket", () => {
  test("gets what waits already and what comes, in order", async () => {
    const world = commandsWorld();
    const a = await world.send();
    const receiver = new FakeReceiver(world);
    await turns();
    expect(receiver.deliveries).toEqual([`${a.id} 1`]);
    await world.receiving.ack(KIOSK, a.id);
    await turns();
    const b = await world.send();
    await turns();
    expect(receiver.deliveries).toEqual([`${a.id} 1`, `${b.id} 1`]);
  });

  test("gets a few at a time, and the next ones when the device has answered those", async () => {
    const { send, receiving, receiver, queue } = await opened();
    const first = await send();
    await turns();
    for (let sent = 0; sent < LIMITS.commandsInFlight + 5; sent += 1) await send();
    await turns();
    expect(receiver.commands).toHaveLength(1);
    await receiving.ack(KIOSK, first.id);
    await turns();
    expect(receiver.commands).toHaveLength(1 + LIMITS.commandsInFlight);
    const last = receiver.commands.at(-1);
    for (const { id } of receiver.commands.slice(1, -1)) await receiving.settle(KIOSK, id, OK);
    await turns();
    expect(receiver.commands).toHaveLength(1 + LIMITS.commandsInFlight);
    await receiving.ack(KIOSK, last?.id ?? first.id);
    await turns();
    expect(receiver.commands).toHaveLength(queue.records.size);
  });

  test("does not keep what it cannot take from a poll of the same device", async () => {
    const { send, fetch, receiver } = await opened();
    await send();
    await turns();
    const poll = fetch(25_000);
    await turns();
    const { id } = await send();
    expect((await poll).commands.map((it) => it.id)).toEqual([id]);
    expect(receiver.commands).toHaveLength(1);
  });

  test("leases nothing while it is not ready, and goes on when it is", async () => {
    const { send, receiver, queue } = await opened();
    receiver.ready = false;
    // It waits already, and looks before it leases.
    await send();
    await turns();
    expect(receiver.commands).toEqual([]);
    expect([...queue.records.values()][0]?.status).toBe("queued");
    receiver.ready = true;
    receiver.open.resume();
    await turns();
    expect(receiver.commands).toHaveLength(1);
  });

  test("gets a command again when its lease is over, if it has answered another", async () => {
    const { send, receiver, receiving, clock } = await openedWith(2);
    const [answered, other] = receiver.commands;
    await receiving.ack(KIOSK, answered?.id ?? NONE);
    await pass({ clock }, LIMITS.commandLeaseMs);
    expect(receiver.deliveries.slice(2)).toEqual([`${other?.id} 2`]);
    expect(receiver.ends).toEqual([]);
    await receiving.ack(KIOSK, other?.id ?? NONE);
    await send();
    await turns();
    expect(receiver.commands).toHaveLength(4);
  });

  test("ends when the leases of all it had are over and nothing was answered", async () => {
    const { receiver, presence, grown, clock, fetch } = await openedWith(2);
    const held: number[] = [];
    const push = grown.push.bind(grown);
    grown.push = (...devices) => {
      held.push(presence.holds);
      return push(...devices);
    };
    await pass({ clock }, LIMITS.commandLeaseMs);
    expect([receiver.ends, presence.holds]).toEqual([["unanswered"], 0]);
    expect(receiver.commands).toHaveLength(2);
    // The wake-up push finds that it holds nothing.
    expect(held.at(-1)).toBe(0);
    const { commands } = await fetch();
    expect(commands.map(({ attempt }) => attempt)).toEqual([2, 2]);
  });

  test.each(["older", "newer"])(
    "that answers nothing leaves the next attempt to a %s one",
    async (age) => {
      const world = commandsWorld();
      const live = age === "older" ? new FakeReceiver(world) : undefined;
      await turns();
      const dead = new FakeReceiver(world);
      await turns();
      const { id } = await world.send();
      await turns();
      const other = live ?? new FakeReceiver(world);
      await turns();
      expect([dead.deliveries, other.deliveries]).toEqual([[`${id} 1`], []]);
      await pass(world, LIMITS.commandLeaseMs);
      expect(other.deliveries).toEqual([`${id} 2`]);
      expect([dead.ends, other.ends]).toEqual([["unanswered"], []]);
      await world.receiving.ack(KIOSK, id);
      expect(world.presence.holds).toBe(1);
    },
  );

  test("that answers nothing leaves the next attempt to a poll that waits", async () => {
    const { receiver, fetch, clock } = await openedWith(1);
    const poll = fetch(LIMITS.commandLeaseMs + 10_000);
    await turns();
    await pass({ clock }, LIMITS.commandLeaseMs);
    expect((await poll).commands.map(({ attempt }) => attempt)).toEqual([2]);
    expect([receiver.commands.length, receiver.ends]).toEqual([1, ["unanswered"]]);
  });

  test.each([
    ["was to be delivered once", { maxAttempts: 1 }, "failed"],
    ["has no time left", { ttlMs: 1_000 }, "expired"],
  ])("ends when it did not answer a command that %s", async (_, more, status) => {
    const { send, receiver, queue, clock } = await opened();
    const { id } = await send(more);
    await turns();
    await pass({ clock }, LIMITS.commandLeaseMs);
    expect(queue.records.get(id)).toMatchObject({ status });
    expect(receiver.ends).toEqual(["unanswered"]);
  });

  test("ends when its leases must be over, although the store says nothing of them", async () => {
    const { receiver, queue, clock } = await openedWith(1);
    queue.tickCommands = async () => {
      throw new Fault("store_busy");
    };
    await pass({ clock }, LIMITS.commandLeaseMs);
    expect(receiver.ends).toEqual([]);
    clock.advance(LIMITS.receiverGraceMs);
    await turns();
    expect(receiver.ends).toEqual(["unanswered"]);
  });

  test("does not take the end of an earlier lease for one of its own", async () => {
    const { receiver, receivers } = await openedWith(1);
    const [sent] = receiver.commands;
    if (sent === undefined) throw new Error("Cannot test: nothing was sent");
    receivers.lapsed({ ...sent, status: "queued", attempt: 0 });
    expect(receiver.ends).toEqual([]);
    receivers.lapsed({ ...sent, status: "queued" });
    expect(receiver.ends).toEqual(["unanswered"]);
  });

  test("hears a late answer to an earlier attempt while it is leasing the next", async () => {
    const { world, send, fetch, queue, clock, receiving } = await opened().then(async (it) => {
      it.receiver.open.close();
      return it;
    });
    const { id } = await send();
    await fetch();
    await pass({ clock }, LIMITS.commandLeaseMs);
    const { promise: leased, resolve: answer } = Promise.withResolvers<void>();
    const lease = queue.leaseCommands.bind(queue);
    queue.leaseCommands = async (request) => {
      const commands = await lease(request);
      await leased;
      return commands;
    };
    const receiver = new FakeReceiver(world);
    await turns();
    expect(queue.records.get(id)).toMatchObject({ status: "leased", attempt: 2 });
    await receiving.settle(KIOSK, id, OK);
    answer();
    await turns();
    const next = await send();
    await turns();
    expect(receiver.deliveries).toEqual([`${next.id} 1`]);
  });

  test("that closes while it leases gives back what it cannot deliver", async () => {
    const { world, receiver, queue, send } = await opened();
    const { promise: leased, resolve: answer } = Promise.withResolvers<void>();
    const lease = queue.leaseCommands.bind(queue);
    queue.leaseCommands = async (request) => {
      const commands = await lease(request);
      queue.leaseCommands = lease;
      await leased;
      return commands;
    };
    const { id } = await send();
    await turns();
    expect(queue.records.get(id)?.status).toBe("leased");
    const other = new FakeReceiver(world);
    await turns();
    receiver.open.close();
    answer();
    await turns();
    expect([receiver.deliveries, other.deliveries]).toEqual([[], [`${id} 2`]]);
  });

  test("leaves to others what it is woken for and cannot take", async () => {
    const { world, receiver: older, send } = await opened();
    const newer = new FakeReceiver(world);
    await turns();
    newer.ready = false;
    const { id } = await send();
    await turns();
    expect([older.deliveries, newer.deliveries]).toEqual([[`${id} 1`], []]);
  });

  test("looks again by itself after a long silence, and goes on being woken", async () => {
    const { send, receiver, clock, queue } = await opened();
    const looked = queue.looks;
    clock.advance(LIMITS.receiverRelookMs);
    await turns();
    expect(queue.looks).toBeGreaterThan(looked);
    await send();
    await turns();
    expect(receiver.commands).toHaveLength(1);
  });

  test("counts as holding the device online until it is closed", async () => {
    const { receiver, presence } = await opened();
    expect(presence.holds).toBe(1);
    receiver.open.close();
    receiver.open.close();
    expect(presence.holds).toBe(0);
  });

  test("that was closed gets nothing, and leaves no waiter and no timer", async () => {
    const world = commandsWorld();
    const timers = world.clock.pending;
    const receiver = new FakeReceiver(world);
    await turns();
    receiver.open.close();
    await turns();
    expect(world.clock.pending).toBe(timers);
    const { id } = await world.send();
    await turns();
    expect(world.queue.records.get(id)?.status).toBe("queued");
    expect([receiver.commands, receiver.ends]).toEqual([[], []]);
  });

  test("that closes with commands in flight leaves them to the end of their lease", async () => {
    const { send, receiver, fetch, clock } = await opened();
    const { id } = await send();
    await turns();
    receiver.open.close();
    expect((await fetch()).commands).toEqual([]);
    await pass({ clock }, LIMITS.commandLeaseMs);
    expect((await fetch()).commands).toMatchObject([{ id, attempt: 2 }]);
  });

  test("that closes with a wake it could not use passes that on to the wake-up push", async () => {
    const { send, receiver, grown, desiredChanged } = await opened();
    await send();
    await turns();
    desiredChanged(KIOSK);
    const before = grown.length;
    receiver.open.close();
    expect(grown.slice(before)).toEqual([KIOSK]);
  });

  test("ends when the server drains, whether it waits or has commands in flight", async () => {
    const { send, world, receiver, releaseAll } = await opened();
    await send();
    await turns();
    const idle = new FakeReceiver(world, parseDeviceId("other"));
    await turns();
    releaseAll();
    await turns();
    expect([receiver.ends, idle.ends]).toEqual([["draining"], ["draining"]]);
  });

  test("ends at once when it is opened while the server drains", async () => {
    const world = commandsWorld();
    world.releaseAll();
    const receiver = new FakeReceiver(world);
    await turns();
    expect(receiver.ends).toEqual(["draining"]);
  });

  test("ends when the store has trouble, which is no bug", async () => {
    const { world, receiver, queue, log, desire } = await opened();
    queue.failure = new Fault("store_failed");
    desire("{}", 1);
    await turns();
    expect(receiver.ends).toEqual(["failed"]);
    expect(log.of("task.failed")).toEqual([]);
    await world.dispose();
  });

  test("ends when a bug shows, which is logged", async () => {
    const { receiver, queue, log, desire } = await opened();
    queue.failure = new Error("canary");
    desire("{}", 1);
    await turns();
    expect(receiver.ends).toEqual(["failed"]);
    expect(log.of("task.failed")).toMatchObject([{ stage: "commands.receive" }]);
  });

  test("ends when its peer takes nothing for long", async () => {
    const { receiver, clock, desire } = await opened();
    receiver.ready = false;
    desire("{}", 1);
    await turns();
    const patienceMs = LIMITS.commandLeaseMs + LIMITS.receiverGraceMs;
    clock.advance(patienceMs);
    await turns();
    expect(receiver.ends).toEqual([]);
    clock.advance(patienceMs);
    await turns();
    expect(receiver.ends).toEqual(["slow"]);
  });

  test("ends when its device may not be here any more, and no other does", async () => {
    const { world, receiver, receivers } = await opened();
    const other = new FakeReceiver(world, parseDeviceId("other"));
    receivers.dismiss(KIOSK);
    expect([receiver.ends, other.ends]).toEqual([["dismissed"], []]);
  });

  test("ends when too many newer ones of the device are open, also with commands in flight", async () => {
    const { world, receiver, presence } = await openedWith(1);
    for (let open = 1; open < LIMITS.commandWaitersPerDevice; open += 1) new FakeReceiver(world);
    await turns();
    expect(receiver.ends).toEqual([]);
    const newest = new FakeReceiver(world);
    await turns();
    expect([receiver.ends, newest.ends]).toEqual([["replaced"], []]);
    expect(presence.holds).toBe(LIMITS.commandWaitersPerDevice);
  });
});

describe("an open stream or socket whose device another process changes", () => {
  test("goes on as long as the device would still be let in", async () => {
    const { receiver, clock, standing } = await opened();
    await recheck(clock);
    expect([receiver.ends, standing.asked]).toEqual([[], 1]);
  });

  test("ends alone when its secret was replaced", async () => {
    const { world, receiver, clock, standing, gone } = await opened();
    const anew = new FakeReceiver(world, KIOSK, { id: KIOSK, standing: async () => "good" });
    standing.now = "revoked";
    await recheck(clock);
    expect([receiver.ends, anew.ends, gone]).toEqual([["dismissed"], [], []]);
    await recheck(clock);
    expect(standing.asked).toBe(1);
  });

  test("ends with all there is of a device that was removed, which everyone is told", async () => {
    const { world, receiver, fetch, clock, standing, gone } = await opened();
    const other = new FakeReceiver(world);
    const poll = fetch(25_000);
    await turns();
    standing.now = "gone";
    await recheck(clock);
    expect([receiver.ends, other.ends, gone]).toEqual([["dismissed"], ["dismissed"], [KIOSK]]);
    expect(await poll).toMatchObject({ commands: [], isReleased: false });
  });

  test("asks one question at a time, however long the store takes", async () => {
    const world = commandsWorld();
    const asked: (() => void)[] = [];
    const standing = () => new Promise<"good">((resolve) => asked.push(() => resolve("good")));
    const receiver = new FakeReceiver(world, KIOSK, { id: KIOSK, standing });
    for (let checks = 0; checks < 3; checks += 1) await recheck(world.clock);
    expect(asked).toHaveLength(1);
    asked[0]?.();
    await turns();
    await recheck(world.clock);
    expect([asked.length, receiver.ends]).toEqual([2, []]);
  });

  test("goes on while the store cannot say", async () => {
    const { receiver, clock, standing, log } = await opened();
    standing.now = new Fault("store_busy");
    await recheck(clock);
    standing.now = "good";
    await recheck(clock);
    expect([receiver.ends, standing.asked, log.of("task.failed")]).toEqual([[], 2, []]);
  });
});

describe("a desired state", () => {
  test("is offered to every open stream and socket, once for each version", async () => {
    const { world, receiver, send, desire } = await opened();
    const other = new FakeReceiver(world);
    await turns();
    desire('{"a":1}', 1);
    await turns();
    await send();
    await turns();
    desire('{"a":2}', 2);
    await turns(60);
    const offers = [
      { delta: '{"a":1}', version: 1 },
      { delta: '{"a":2}', version: 2 },
    ];
    const idle = receiver.commands.length === 0 ? receiver : other;
    expect(idle.offers).toEqual(offers);
  });

  test("is offered when the stream opens, although a poll was offered it before", async () => {
    const world = commandsWorld();
    world.desire('{"a":1}', 1);
    await world.fetch();
    const receiver = new FakeReceiver(world);
    await turns();
    expect(receiver.offers).toHaveLength(1);
  });
});

const OK = { ok: true } as const;
const NONE = "nothing" as CommandId;

/** One that has just been sent so many commands at a time. */
async function openedWith(count: number) {
  const world = commandsWorld();
  for (let sent = 0; sent < count; sent += 1) await world.send();
  const receiver = new FakeReceiver(world);
  await turns();
  return { ...world, world, receiver };
}

async function recheck(clock: FakeClock): Promise<void> {
  clock.advance(LIMITS.deviceRecheckMs);
  await turns();
}
