import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deviceChannel } from "../../src/core/channel.ts";
import {
  type CommandId,
  type CommandRecord,
  type CommandRequest,
  enqueueCommand,
  parseCommandId,
} from "../../src/core/command.ts";
import type { CommandInput } from "../../src/core/command-life.ts";
import { encodeResult } from "../../src/core/command-result.ts";
import { commandEvent } from "../../src/core/command-text.ts";
import { type DeviceId, parseDeviceId } from "../../src/core/device-id.ts";
import { Fault } from "../../src/core/faults.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { encodeOwnEvent, type OwnEventRules } from "../../src/core/own-event.ts";
import type { LeaseRequest } from "../../src/core/ports/command-queue.ts";
import type { Deliver, Engine } from "../../src/core/ports/engine.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { type EngineUnderTest, ownEvents } from "./engine-world.ts";

const LEASE_MS = 30_000;
const TTL_MS = 60_000;
const RESULT_MS = 300_000;
const door = parseDeviceId("door");
const gate = parseDeviceId("gate");
const done = encodeResult({ ok: true, data: '{"t":1.0}' });
const everything = { limit: 10_000, ttlMs: Number.MAX_SAFE_INTEGER };
const untold: OwnEventRules = { ...ownEvents, endpoints: {} };

/** The promises of `CommandQueue`, as tests. Every engine runs all of them. */
export function describeCommandQueue({ name, keepsAfterClose, open }: EngineUnderTest): void {
  describe(`CommandQueue contract: ${name}`, () => {
    const clock = new FakeClock();
    let place: string;
    let engine: Engine;
    /** What happened, in order: deliveries, and whatever a test adds. */
    let events: string[];

    const deliver: Deliver = (channel, { data, offset }, position) => {
      const { type, data: told } = JSON.parse(data);
      expect(position.offset).toBe(offset);
      events.push(`${channel} ${offset} ${type} ${told.command} ${told.attempt}`);
    };
    const make = (id: string, more: Partial<CommandRequest> = {}): CommandRecord =>
      enqueueCommand(
        {
          device: door,
          type: "lock",
          data: '{"n":1.0}',
          sender: { kind: "backend" },
          ttlMs: TTL_MS,
          ...more,
        },
        { id: parseCommandId(id), nowMs: clock.nowMs() },
      );
    const add = (id: string, more: Partial<CommandRequest> = {}) =>
      engine.addCommand(make(id, more));
    const addDevice = (id: string) =>
      engine.addDevice({
        id: parseDeviceId(id),
        name: "",
        meta: "{}",
        secretHash: "h",
        enrollment: "closed",
        createdAtMs: clock.nowMs(),
      });
    const addAll = async (...ids: readonly string[]) => {
      for (const id of ids) await add(id);
    };
    const lease = (more: Partial<LeaseRequest> = {}) =>
      engine.leaseCommands({
        device: door,
        receiver: "r1",
        max: 100,
        leaseMs: LEASE_MS,
        nowMs: clock.nowMs(),
        ...more,
      });
    const move = (id: string, input: CommandInput, device: DeviceId = door) =>
      engine.moveCommand(device, parseCommandId(id), input);
    const ack = (id: string) =>
      move(id, { kind: "ack", nowMs: clock.nowMs(), resultTimeoutMs: RESULT_MS });
    const settle = (id: string) => move(id, { kind: "settle", nowMs: clock.nowMs(), result: done });
    const cancel = (id: string) => move(id, { kind: "cancel", nowMs: clock.nowMs() });
    const get = (id: string, device = door) => engine.command(device, parseCommandId(id));
    const tickAt = (nowMs: number) =>
      engine.tickCommands({ nowMs, leaseMs: LEASE_MS, resultTimeoutMs: RESULT_MS });
    const tick = async () => idsOf(await tickAt(clock.nowMs()));
    /** Lets so much time pass, and the engine tidy up as often as it wants to meanwhile. */
    const pass = async (ms: number) => {
      for (let part = 0; part < 10; part++) {
        clock.advance(ms / 10);
        await engine.ping();
      }
    };
    const outboxGrew = (endpoints: readonly string[]) => {
      events.push(`outbox ${endpoints.join(" ")}`);
    };
    const start = (rules: OwnEventRules = untold) =>
      open({ place, deliver, outboxGrew, ownEvents: rules, clock });
    const reopen = async () => {
      await engine[Symbol.asyncDispose]();
      engine = await start();
    };

    beforeEach(async () => {
      place = await mkdtemp(join(tmpdir(), "posthorn-commands-"));
      events = [];
      engine = await start();
      await Promise.all(["door", "gate"].map((id) => addDevice(id)));
    });
    afterEach(async () => {
      await engine[Symbol.asyncDispose]();
      await rm(place, { recursive: true });
    });

    describe("addCommand()", () => {
      test("keeps the command as it is, to be read as soon as it resolves", async () => {
        const command = make("c1", {
          data: '{"a":1.0,"ü":"\\u0000\\ud800"}',
          sender: { kind: "user", user: "anna" },
          key: "k ü",
          priority: 9,
        });
        expect(await engine.addCommand(command)).toEqual({ added: command });
        expect(await get("c1")).toEqual(command);
      });

      test("tells of it on the device's channel before it resolves", async () => {
        const adding = ["c1", "c2"].map(async (id) => {
          await add(id);
          events.push(`added ${id}`);
        });
        await Promise.all(adding);
        expect(events.toSorted()).toEqual([
          "added c1",
          "added c2",
          "device:door 1 command.queued c1 0",
          "device:door 2 command.queued c2 0",
        ]);
        for (const id of ["c1", "c2"]) {
          const told = events.findIndex((event) => event.includes(`queued ${id}`));
          expect(told).toBeLessThan(events.indexOf(`added ${id}`));
        }
      });

      test("answers with the earlier command for a key that its sender used before", async () => {
        const first = make("c1", { key: "k" });
        await engine.addCommand(first);
        expect(await add("c2", { key: "k", type: "other" })).toEqual({ existing: first });
        expect(await get("c2")).toBeUndefined();
        expect(events).toHaveLength(1);
      });

      test("recognises two equal keys that arrive together", async () => {
        const both = await Promise.all([add("c1", { key: "k" }), add("c2", { key: "k" })]);
        expect(both.map((enqueued) => Object.keys(enqueued))).toEqual([["added"], ["existing"]]);
      });

      test("never confuses keys of different senders or devices, nor commands without one", async () => {
        const user = (user: string) => ({ kind: "user", user }) as const;
        const enqueued = [
          await add("c1", { key: "k" }),
          await add("c2", { key: "k", sender: user("anna") }),
          await add("c3", { key: "k", sender: user("bob") }),
          await add("c4", { key: "k", sender: user("backend") }),
          await add("c5", { key: "k", device: gate }),
          await add("c6"),
          await add("c7"),
        ];
        expect(enqueued.filter((one) => !("added" in one))).toEqual([]);
      });

      test("finds for commandUnderKey() what it would answer with, and adds nothing", async () => {
        const anna = { kind: "user", user: "anna" } as const;
        const bob = { kind: "user", user: "bob" } as const;
        const command = make("c1", { key: "k", sender: anna });
        await engine.addCommand(command);
        const sent = { device: door, sender: anna, key: "k" };
        expect(await engine.commandUnderKey(sent)).toEqual(command);
        await cancel("c1");
        expect(await engine.commandUnderKey(sent)).toMatchObject({ id: "c1", status: "canceled" });
        for (const other of [{ key: "l" }, { sender: bob }, { device: gate }]) {
          expect(await engine.commandUnderKey({ ...sent, ...other })).toBeUndefined();
        }
        expect(await engine.openCommands(door)).toBe(0);
      });

      test("remembers the key of a command that ended, as it ended", async () => {
        await add("c1", { key: "k" });
        await cancel("c1");
        expect(await add("c2", { key: "k" })).toMatchObject({
          existing: { id: "c1", status: "canceled" },
        });
      });

      test("refuses more open commands than a device may have, until one ends", async () => {
        const max = LIMITS.commandsQueuedPerDevice;
        await Promise.all(Array.from({ length: max - 1 }, (_, index) => add(`c${index}`)));
        await add("last", { key: "k" });
        events = [];
        expect(await add("more")).toEqual({ full: max });
        expect(await add("again", { key: "k" })).toMatchObject({ existing: { id: "last" } });
        expect(await add("other", { device: gate })).toHaveProperty("added");
        expect(await engine.openCommands(door)).toBe(max);
        expect(events).toEqual(["device:gate 1 command.queued other 0"]);
        await cancel("c5");
        expect(await add("more")).toHaveProperty("added");
      });

      test("adds nothing to a device that is not on record, or not any more", async () => {
        const nobody = parseDeviceId("nobody");
        expect(await add("c1", { device: nobody })).toEqual({ unknown: true });
        expect(await get("c1", nobody)).toBeUndefined();
        await add("c2", { key: "k" });
        const [, late] = await Promise.all([engine.removeDevice(door), add("c3")]);
        expect(late).toHaveProperty("added");
        expect(await add("c4", { key: "k" })).toEqual({ unknown: true });
        expect(events.filter((event) => event.includes("c4"))).toEqual([]);
        await addDevice("door");
        expect(await lease()).toEqual([]);
      });

      test("that throws leaves no trace", async () => {
        await add("c1");
        const [twice, other] = await Promise.allSettled([add("c1", { key: "k" }), add("c2")]);
        expect([twice.status, other.status]).toEqual(["rejected", "fulfilled"]);
        expect(await add("c3", { key: "k" })).toHaveProperty("added");
        const { top } = await engine.history(deviceChannel(door), everything);
        expect(top.offset).toBe(3);
        expect(events.map((event) => event.split(" ")[3])).toEqual(["c1", "c2", "c3"]);
      });
    });

    describe("leaseCommands()", () => {
      test("gives in the order in which they were added, at most so many", async () => {
        await addAll("z", "a", "m");
        expect(idsOf(await lease({ max: 2 }))).toEqual(["z", "a"]);
        expect(idsOf(await lease({ max: 2 }))).toEqual(["m"]);
        expect(await lease()).toEqual([]);
      });

      test("gives the higher priority first", async () => {
        await add("c1");
        await add("c2", { priority: 9 });
        await add("c3", { priority: 1 });
        await add("c4", { priority: 9 });
        expect(idsOf(await lease({ max: 1 }))).toEqual(["c2"]);
        expect(idsOf(await lease())).toEqual(["c4", "c3", "c1"]);
      });

      test("answers and keeps who has it, how long, and which attempt it is", async () => {
        await add("c1");
        const [leased] = await lease({ receiver: "poll 7" });
        expect(leased).toEqual({
          ...make("c1"),
          status: "leased",
          attempt: 1,
          receiver: "poll 7",
          leaseUntilMs: clock.nowMs() + LEASE_MS,
        });
        expect(await get("c1")).toEqual(leased as CommandRecord);
      });

      test("tells of each before it resolves, in the order given", async () => {
        await addAll("c1", "c2");
        events = [];
        await lease().then(() => events.push("leased"));
        expect(events).toEqual([
          "device:door 3 command.sent c1 1",
          "device:door 4 command.sent c2 1",
          "leased",
        ]);
      });

      test("leases each command once under 20 concurrent calls", async () => {
        const ids = Array.from({ length: 50 }, (_, index) => `c${index}`);
        await Promise.all(ids.map((id) => add(id)));
        const leases = await Promise.all(
          Array.from({ length: 20 }, (_, index) => lease({ receiver: `r${index}`, max: 3 })),
        );
        expect(leases.flatMap(idsOf)).toEqual(ids);
        for (const [index, commands] of leases.entries()) {
          expect(commands.filter(({ receiver }) => receiver !== `r${index}`)).toEqual([]);
        }
      });

      test("gives a device only what is its own, and nothing that has no time left", async () => {
        await add("c1", { device: gate });
        await add("c2", { ttlMs: 1_000 });
        await add("c3");
        clock.advance(1_000);
        expect(idsOf(await lease({ max: 1 }))).toEqual(["c3"]);
        expect((await get("c2"))?.status).toBe("queued");
      });

      test("of none changes nothing, of fewer than none throws", async () => {
        await add("c1");
        expect(await lease({ max: 0 })).toEqual([]);
        expect((await lease({ max: -1 }).catch(String)) as unknown).toBe(
          "RangeError: Cannot lease commands: max is -1",
        );
        expect((await get("c1"))?.status).toBe("queued");
      });
    });

    describe("moveCommand()", () => {
      test("takes a command through its life and tells of every step", async () => {
        await add("c1");
        await lease();
        clock.advance(10);
        const acked = await ack("c1");
        expect(acked).toMatchObject({
          changed: { status: "acked", resultUntilMs: clock.nowMs() + RESULT_MS },
        });
        clock.advance(10);
        const settled = await settle("c1");
        expect(settled).toMatchObject({
          changed: { status: "done", result: done.text, finishedAtMs: clock.nowMs() },
        });
        expect({ changed: await get("c1") } as unknown).toEqual(settled);
        expect(events).toEqual([
          "device:door 1 command.queued c1 0",
          "device:door 2 command.sent c1 1",
          "device:door 3 command.acked c1 1",
          "device:door 4 command.done c1 1",
        ]);
      });

      test("publishes what commandEvent() makes, dated by the step", async () => {
        const command = make("c1");
        await engine.addCommand(command);
        const addedAtMs = clock.nowMs();
        clock.advance(10);
        const [leased] = await lease();
        const { top, publications } = await engine.history(deviceChannel(door), everything);
        expect(top.offset).toBe(2);
        expect(publications).toEqual([
          { offset: 1, timeMs: addedAtMs, data: encodeOwnEvent(commandEvent(command, addedAtMs)) },
          {
            offset: 2,
            timeMs: clock.nowMs(),
            data: encodeOwnEvent(commandEvent(leased as CommandRecord, clock.nowMs())),
          },
        ]);
      });

      test("takes back what was leased and never sent, for the next receiver", async () => {
        await add("c1");
        await lease();
        events = [];
        const nowMs = clock.nowMs();
        const other = await move("c1", { kind: "giveBack", nowMs, receiver: "r2" });
        expect(other).toMatchObject({ unchanged: { status: "leased", attempt: 1 } });
        const mine = await move("c1", { kind: "giveBack", nowMs, receiver: "r1" });
        expect(mine).toMatchObject({ changed: { status: "queued", attempt: 1 } });
        expect(await lease({ receiver: "r2" })).toMatchObject([{ id: "c1", attempt: 2 }]);
        expect(events).toEqual([
          "device:door 3 command.queued c1 1",
          "device:door 4 command.sent c1 2",
        ]);
      });

      test("says what it refuses and what was done before, and tells of neither", async () => {
        await addAll("c1", "c2");
        await lease({ max: 1 });
        await settle("c1");
        events = [];
        expect(await settle("c1")).toMatchObject({ unchanged: { id: "c1", status: "done" } });
        expect(await cancel("c1")).toMatchObject({ refused: "command_settled" });
        expect(await ack("c2")).toEqual({ refused: "command_undelivered", record: make("c2") });
        expect(events).toEqual([]);
      });

      test("decides one by one between moves that exclude each other", async () => {
        await add("c1");
        const [canceled, leased] = await Promise.all([cancel("c1"), lease()]);
        expect(canceled).toHaveProperty("changed");
        expect(leased).toEqual([]);
      });

      test("delivers before it resolves", async () => {
        await add("c1");
        await cancel("c1").then(() => events.push("canceled"));
        expect(events.slice(1)).toEqual(["device:door 2 command.canceled c1 0", "canceled"]);
      });

      test("resolves to undefined for a command the device does not have", async () => {
        await add("c1");
        expect(await cancel("c9")).toBeUndefined();
        const input = { kind: "cancel", nowMs: clock.nowMs() } as const;
        expect(await move("c1", input, gate)).toBeUndefined();
        expect((await get("c1"))?.status).toBe("queued");
      });
    });

    describe("tickCommands()", () => {
      test("queues a lapsed lease again at its old place, and its next attempt is the second", async () => {
        await addAll("c1", "c2");
        await lease({ max: 1 });
        clock.advance(LEASE_MS - 1);
        expect(await tick()).toEqual([]);
        clock.advance(1);
        events = [];
        expect(await tickAt(clock.nowMs())).toEqual([{ ...queued("c1"), attempt: 1 }]);
        const again = await lease({ receiver: "r2" });
        expect(again.map(({ id, attempt }) => `${id} ${attempt}`)).toEqual(["c1 2", "c2 1"]);
        expect(events).toEqual([
          "device:door 4 command.queued c1 1",
          "device:door 5 command.sent c1 2",
          "device:door 6 command.sent c2 1",
        ]);
      });

      test("ends what nobody fetched and what was fetched without an answer", async () => {
        await addAll("c1", "c2");
        await lease({ max: 1, leaseMs: 10 * TTL_MS });
        clock.advance(TTL_MS - 1);
        expect(await tick()).toEqual([]);
        clock.advance(1);
        expect(await tick()).toEqual(["c1", "c2"]);
        expect((await get("c1"))?.status).toBe("expired");
        expect((await get("c2"))?.status).toBe("expired");
        expect(await lease()).toEqual([]);
        expect(await tick()).toEqual([]);
      });

      test("fails an acknowledged command whose result never came", async () => {
        await add("c1");
        await lease();
        await ack("c1");
        clock.advance(RESULT_MS - 1);
        expect(await tick()).toEqual([]);
        clock.advance(1);
        expect(await tick()).toEqual(["c1"]);
        const failed = await get("c1");
        expect(failed).toMatchObject({ status: "failed", finishedAtMs: clock.nowMs() });
        expect(failed?.result).toContain("result_missing");
        expect(events.at(-1)).toBe("device:door 4 command.failed c1 1");
      });

      test("bounds what is dated as if the clock had not been set back, and tells nobody of it", async () => {
        await addAll("c1", "c2");
        await lease();
        await ack("c2");
        events = [];
        const setBackMs = clock.nowMs() - 24 * 60 * TTL_MS;
        expect(await tickAt(setBackMs)).toEqual([]);
        expect(events).toEqual([]);
        expect(await get("c1")).toMatchObject({ leaseUntilMs: setBackMs + LEASE_MS });
        expect(await get("c2")).toMatchObject({ resultUntilMs: setBackMs + RESULT_MS });
        expect(await tickAt(setBackMs + LEASE_MS - 1)).toEqual([]);
        expect(idsOf(await tickAt(setBackMs + LEASE_MS))).toEqual(["c1"]);
        expect(idsOf(await tickAt(setBackMs + RESULT_MS))).toEqual(["c2"]);
        expect(await get("c1")).toMatchObject({ status: "queued", attempt: 1 });
        expect(await get("c2")).toMatchObject({ status: "failed" });
      });

      test("fails what was delivered as often as it may be", async () => {
        await add("c1", { maxAttempts: 1 });
        await lease();
        clock.advance(LEASE_MS);
        expect(await tick()).toEqual(["c1"]);
        const failed = await get("c1");
        expect(failed).toMatchObject({ status: "failed", maxAttempts: 1, attempt: 1 });
        expect(failed?.result).toContain("attempts_exhausted");
        expect(events.at(-1)).toBe("device:door 3 command.failed c1 1");
        expect(await lease()).toEqual([]);
      });

      test("tells of all it changed, on every channel, before it resolves", async () => {
        await add("c1");
        await add("g1", { device: gate });
        clock.advance(TTL_MS);
        events = [];
        await tick().then(() => events.push("ticked"));
        expect(events).toEqual([
          "device:door 2 command.expired c1 0",
          "device:gate 2 command.expired g1 0",
          "ticked",
        ]);
      });

      test("does a bounded number at a time and all of them in the end", async () => {
        await Promise.all(Array.from({ length: 250 }, (_, index) => add(`c${index}`)));
        clock.advance(TTL_MS);
        const counts: number[] = [];
        for (let round = 0; round < 10; round++) counts.push((await tick()).length);
        expect(counts.reduce((sum, count) => sum + count)).toBe(250);
        expect(counts[0]).toBeLessThan(250);
        expect(counts.at(-1)).toBe(0);
        expect(new Set(events).size).toBe(500);
      });

      test("twice at a time changes each command once", async () => {
        await addAll("c1", "c2");
        clock.advance(TTL_MS);
        const both = await Promise.all([tick(), tick()]);
        expect(both.flat().toSorted()).toEqual(["c1", "c2"]);
        expect(events).toHaveLength(4);
      });
    });

    describe("command(), commands() and openCommands()", () => {
      test("answer only for the device that is asked about", async () => {
        await add("c1");
        expect(await get("c1", gate)).toBeUndefined();
        expect(await engine.commands({ device: gate, limit: 10 })).toEqual([]);
        expect(await engine.openCommands(gate)).toBe(0);
      });

      test("list the newest first, in pages", async () => {
        await addAll("c3", "c1", "c2", "c4");
        await add("g1", { device: gate });
        await cancel("c1");
        const page = async (limit: number, before?: CommandId) =>
          idsOf((await engine.commands({ device: door, limit, ...(before && { before }) })) ?? []);
        expect(await page(3)).toEqual(["c4", "c2", "c1"]);
        expect(await page(3, parseCommandId("c1"))).toEqual(["c3"]);
        expect(await page(3, parseCommandId("c3"))).toEqual([]);
        expect(await page(0)).toEqual([]);
        expect((await engine.commands({ device: door, limit: 3 }))?.[2]?.status).toBe("canceled");
      });

      test("list nothing behind a command that the device does not have", async () => {
        await addAll("c1", "c2");
        await add("g1", { device: gate });
        for (const before of ["g1", "c9"]) {
          const page = { device: door, before: parseCommandId(before), limit: 9 };
          expect(await engine.commands(page)).toBeUndefined();
        }
      });

      test("count what is queued, leased or acked", async () => {
        await addAll("c1", "c2", "c3", "c4");
        await lease({ max: 3 });
        await ack("c1");
        await settle("c2");
        expect(await engine.openCommands(door)).toBe(3);
      });
    });

    describe("commandsLeasedTo()", () => {
      const leasedTo = async (receiver: string, device = door) =>
        idsOf(await engine.commandsLeasedTo(device, receiver));

      test("gives what one receiver got and nobody has acknowledged yet", async () => {
        await addAll("c1", "c2", "c3", "c4", "c5", "c6");
        await lease({ receiver: 'r "1"', max: 4 });
        await lease({ receiver: "r2", max: 1 });
        await ack("c2");
        await settle("c3");
        expect(await leasedTo('r "1"')).toEqual(["c1", "c4"]);
        expect(await leasedTo("r2")).toEqual(["c5"]);
        expect(await leasedTo("r3")).toEqual([]);
        expect(await leasedTo("r2", gate)).toEqual([]);
        expect(await engine.commandsLeasedTo(door, "r2")).toEqual([
          (await get("c5")) as CommandRecord,
        ]);
      });

      test("forgets a lease that lapsed once another one has the command", async () => {
        await add("c1");
        await lease({ receiver: "r1" });
        clock.advance(LEASE_MS);
        await tick();
        expect(await leasedTo("r1")).toEqual([]);
        await lease({ receiver: "r2" });
        expect([await leasedTo("r1"), await leasedTo("r2")]).toEqual([[], ["c1"]]);
      });

      test("gives a bounded number, first things first", async () => {
        const ids = Array.from({ length: LIMITS.commandsPerFetch + 5 }, (_, index) => `c${index}`);
        await Promise.all(ids.map((id) => add(id)));
        await add("urgent", { priority: 1 });
        await lease({ max: 1_000 });
        expect(await leasedTo("r1")).toEqual(["urgent", ...ids].slice(0, LIMITS.commandsPerFetch));
      });
    });

    describe("waitingCommands()", () => {
      test("counts what could be leased, and names what would be leased first", async () => {
        expect(await engine.waitingCommands(door)).toBeUndefined();
        await add("c1");
        await add("c2");
        await add("urgent", { priority: 1 });
        await add("other", { device: gate });
        expect(await engine.waitingCommands(door)).toEqual({
          count: 3,
          first: parseCommandId("urgent"),
        });
        await lease({ max: 2 });
        expect(await engine.waitingCommands(door)).toEqual({
          count: 1,
          first: parseCommandId("c2"),
        });
        clock.advance(TTL_MS);
        expect(await engine.waitingCommands(door)).toBeUndefined();
      });
    });

    describe("devicesWaitedFor()", () => {
      test("gives each device for which something is queued once, in pages", async () => {
        await Promise.all(["e", "B", "a", "d", "c", "x"].map((device) => addDevice(device)));
        for (const device of ["e", "B", "a", "d", "c"]) {
          await add(`${device}1`, { device: parseDeviceId(device) });
          await add(`${device}2`, { device: parseDeviceId(device) });
        }
        await add("x1", { device: parseDeviceId("x") });
        await lease({ device: parseDeviceId("x") });
        await lease({ device: parseDeviceId("d"), max: 1 });
        const pages: string[][] = [];
        let after: DeviceId | undefined;
        do {
          const page = await engine.devicesWaitedFor({ limit: 2, ...(after && { after }) });
          pages.push([...page]);
          after = page.at(-1);
        } while (after !== undefined);
        expect(pages).toEqual([["B", "a"], ["c", "d"], ["e"], []]);
      });

      test("leaves out a device all of whose commands have no time left, ticked or not", async () => {
        await add("c1", { ttlMs: 1_000 });
        await add("g1", { device: gate, ttlMs: 1_000 });
        await add("g2", { device: gate });
        clock.advance(1_000);
        expect(await engine.devicesWaitedFor({ limit: 9 })).toEqual([gate]);
      });

      test("throws for fewer than none", async () => {
        expect((await engine.devicesWaitedFor({ limit: -1 }).catch(String)) as unknown).toBe(
          "RangeError: Cannot list devices: limit is -1",
        );
      });
    });

    describe("the outbox", () => {
      test("gets a row for each endpoint that wants the event, as the change is made", async () => {
        await engine[Symbol.asyncDispose]();
        const endpoints = { "command.sent": ["shop", "erp"], "command.done": ["shop"] };
        engine = await start({ ...ownEvents, endpoints });
        await addDevice("door");
        await add("c1");
        await lease();
        await settle("c1");
        expect(events).toEqual([
          "device:door 1 command.queued c1 0",
          "device:door 2 command.sent c1 1",
          "outbox shop erp",
          "device:door 3 command.done c1 1",
          "outbox shop",
        ]);
        const take = { nowMs: clock.nowMs(), max: 10, leaseMs: 1 };
        const [row] = (await engine.take({ endpoint: "erp", ...take })).rows;
        const { top } = await engine.history(deviceChannel(door), everything);
        expect(row).toMatchObject({
          id: `door:c1.leased.1:${top.epoch}:2`,
          type: "command.sent",
          orderKey: "door",
        });
        const { publications } = await engine.history(deviceChannel(door), everything);
        const { type, data } = JSON.parse(row?.body ?? "");
        expect({ type, data }).toEqual({
          type: "command.sent",
          data: JSON.parse(publications[1]?.data ?? ""),
        });
      });

      test("tells the backend of a command's key, and the channel of none", async () => {
        await engine[Symbol.asyncDispose]();
        engine = await start({ ...ownEvents, endpoints: { "command.queued": ["shop"] } });
        await addDevice("door");
        await add("c1", { key: "k" });
        const take = { endpoint: "shop", nowMs: clock.nowMs(), max: 10, leaseMs: 1 };
        const [row] = (await engine.take(take)).rows;
        expect(JSON.parse(row?.body ?? "").data.data).toMatchObject({ command: "c1", key: "k" });
        const { publications } = await engine.history(deviceChannel(door), everything);
        const { data } = JSON.parse(publications[0]?.data ?? "");
        expect(data).toMatchObject({ command: "c1" });
        expect(data).not.toHaveProperty("key");
      });
    });

    describe("afterwards", () => {
      test("a command that ended is kept for its time and then forgotten with its key", async () => {
        await add("c1", { key: "k" });
        await add("c2", { ttlMs: LIMITS.commandTtlMaxMs });
        await cancel("c1");
        await pass(LIMITS.commandKeptMs - 10_000);
        expect(await get("c1")).toMatchObject({ status: "canceled" });
        expect(await add("c3", { key: "k" })).toHaveProperty("existing");
        await pass(30_000);
        expect(await get("c1")).toBeUndefined();
        expect(await add("c3", { key: "k" })).toHaveProperty("added");
        expect(idsOf((await engine.commands({ device: door, limit: 9 })) ?? [])).toEqual([
          "c3",
          "c2",
        ]);
        const behind = { device: door, before: parseCommandId("c1"), limit: 9 };
        expect(await engine.commands(behind)).toBeUndefined();
      });

      test("the order goes on behind a forgotten command", async () => {
        await add("c1");
        await cancel("c1");
        await pass(LIMITS.commandKeptMs + 30_000);
        await addAll("b", "a");
        expect(idsOf(await lease())).toEqual(["b", "a"]);
      });

      if (keepsAfterClose) {
        test("a reopened store has every command as it was", async () => {
          await add("waits", { key: "k" });
          await add("runs", { priority: 1 });
          await add("acked", { priority: 2 });
          await add("ended", { priority: 3 });
          await lease({ max: 3 });
          await ack("acked");
          await settle("ended");
          const before = await engine.commands({ device: door, limit: 10 });
          expect(before?.map(({ status }) => status)).toEqual([
            "done",
            "acked",
            "leased",
            "queued",
          ]);
          const { top } = await engine.history(deviceChannel(door), everything);
          await reopen();
          expect(await engine.commands({ device: door, limit: 10 })).toEqual(before ?? []);
          expect((await engine.history(deviceChannel(door), everything)).top).toEqual(top);
          expect(await add("new", { key: "k" })).toMatchObject({ existing: { id: "waits" } });
          expect(idsOf(await lease())).toEqual(["waits"]);
          clock.advance(LEASE_MS);
          expect((await tick()).toSorted()).toEqual(["runs", "waits"]);
          expect((await lease()).map(({ id, attempt }) => `${id} ${attempt}`)).toEqual([
            "runs 2",
            "waits 2",
          ]);
        });
      }

      test("every call rejects with draining once the engine is disposed", async () => {
        await engine[Symbol.asyncDispose]();
        const calls: readonly (() => Promise<unknown>)[] = [
          () => add("c1"),
          () => lease(),
          () => cancel("c1"),
          () => get("c1"),
          () => engine.commands({ device: door, limit: 1 }),
          () => engine.openCommands(door),
          () => engine.commandsLeasedTo(door, "r1"),
          () => engine.devicesWaitedFor({ limit: 1 }),
          () => engine.waitingCommands(door),
          () => tick(),
        ];
        for (const call of calls) {
          const error = await call().catch((thrown: unknown) => thrown);
          expect(error instanceof Fault && error.code).toBe("draining");
        }
      });
    });

    const queued = (id: string): CommandRecord => ({
      ...make(id),
      createdAtMs: clock.nowMs() - LEASE_MS,
      expiresAtMs: clock.nowMs() - LEASE_MS + TTL_MS,
    });
  });
}

function idsOf(commands: readonly CommandRecord[]): string[] {
  return commands.map(({ id }) => id);
}
