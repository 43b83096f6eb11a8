import { describe, expect, test } from "bun:test";
import { deviceChannel } from "../../src/core/channel.ts";
import { enqueueCommand, parseCommandId } from "../../src/core/command.ts";
import { type DeviceId, parseDeviceId } from "../../src/core/device-id.ts";
import { emptyState, parseStatePatch } from "../../src/core/device-state.ts";
import { Fault } from "../../src/core/faults.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { encodeOwnEvent } from "../../src/core/own-event.ts";
import type {
  DeviceChange,
  DeviceCondition,
  DevicePage,
  NewDevice,
  Sighting,
} from "../../src/core/ports/device-records.ts";
import { type PresenceChange, presenceEvent } from "../../src/core/presence-event.ts";
import { type EngineUnderTest, openForEach } from "./engine-world.ts";

const door = parseDeviceId("door");
const gate = parseDeviceId("gate");
const everything = { limit: 10_000, ttlMs: Number.MAX_SAFE_INTEGER };
const unseen = { online: false, generation: 0 } as const;

/** The promises of `DeviceRecords`, as tests. Every engine runs all of them. */
export function describeDeviceRecords(underTest: EngineUnderTest): void {
  describe(`DeviceRecords contract: ${underTest.name}`, () => {
    const world = openForEach(underTest);
    const { clock, events } = world;

    const make = (id: string, more: Partial<NewDevice> = {}): NewDevice => ({
      id: parseDeviceId(id),
      name: `The ${id}`,
      meta: "{}",
      secretHash: "h1",
      enrollment: "closed",
      createdAtMs: clock.nowMs(),
      ...more,
    });
    const add = (id: string, more: Partial<NewDevice> = {}) =>
      world.engine.addDevice(make(id, more));
    const addAll = async (...ids: readonly string[]) => {
      for (const id of ids) await add(id);
    };
    const get = (id: DeviceId = door) => world.engine.device(id);
    const see = (...sightings: readonly (readonly [string, Partial<Sighting>])[]) =>
      world.engine.noteSightings(
        new Map(
          sightings.map(([id, sighting]) => [
            parseDeviceId(id),
            { seenAtMs: clock.nowMs(), address: "10.0.0.1", ...sighting },
          ]),
        ),
      );
    const turn = (online: boolean, more: Partial<PresenceChange> = {}) =>
      world.engine.changePresence({
        device: door,
        online,
        atMs: clock.nowMs(),
        reason: online ? "held" : "silent",
        ...more,
      });
    const told = async () => {
      const { publications } = await world.engine.history(deviceChannel(door), everything);
      return publications.map(({ data }) => data);
    };

    describe("addDevice()", () => {
      test("keeps what was added, as a device that was never heard of", async () => {
        const device = make("door", { meta: '{"n":1.0,"ü":"\\u0000"}', enrollment: "open" });
        expect(await world.engine.addDevice(device)).toBe("added");
        expect(await get()).toEqual({ ...device, ...unseen });
        expect(await get(gate)).toBeUndefined();
      });

      test("refuses a taken id and changes nothing", async () => {
        await add("door");
        expect(await add("door", { secretHash: "h2" })).toBe("taken");
        expect(await get()).toMatchObject({ secretHash: "h1" });
      });

      test("lets only one of two equal ids in that arrive together", async () => {
        const both = [add("door"), add("door", { secretHash: "h2" })];
        expect(await Promise.all(both)).toEqual(["added", "taken"]);
      });

      test("refuses a name with a NUL as a bug", async () => {
        await expect(add("door", { name: "e\0x" })).rejects.toBeInstanceOf(RangeError);
        expect(await get()).toBeUndefined();
      });
    });

    describe("changeDevice()", () => {
      const change = (change: DeviceChange, condition?: DeviceCondition) =>
        world.engine.changeDevice(door, change, condition);

      test("resolves to the device as it is then, and leaves alone what is not named", async () => {
        const device = make("door");
        await world.engine.addDevice(device);
        await see(["door", { appVersion: "2.1" }]);
        const sighting = { seenAtMs: clock.nowMs(), address: "10.0.0.1", appVersion: "2.1" };
        const push = { provider: "jpush", token: "t" };
        const changed = await change({ name: "Door", secretHash: "h2", enrollment: "fresh", push });
        expect(changed).toEqual({
          ...device,
          ...unseen,
          name: "Door",
          secretHash: "h2",
          enrollment: "fresh",
          push,
          sighting,
        });
        expect(await get()).toEqual(changed);
        expect(await change({})).toEqual(changed);
      });

      test("forgets a push target for null", async () => {
        await add("door");
        await change({ push: { provider: "jpush", token: "t" } });
        expect(await change({ name: "n" })).toHaveProperty("push");
        expect(await change({ push: null })).not.toHaveProperty("push");
        expect(await get()).not.toHaveProperty("push");
      });

      test("merges meta by RFC 7396, byte for byte where nothing is said", async () => {
        await add("door", { meta: '{"a":1.0,"b":{"c":9007199254740993,"d":1},"e":[1]}' });
        const changed = await change({ metaPatch: '{"b":{"d":null,"x":2},"e":[\n3],"f":"ü"}' });
        expect(changed?.meta).toBe('{"a":1.0,"b":{"c":9007199254740993,"x":2},"e":[3],"f":"ü"}');
      });

      test("rejects meta that would be too long, at the cost of nobody else", async () => {
        await add("door", { meta: '{"a":1}' });
        await add("gate");
        const fit = `{"b":"${"x".repeat(LIMITS.deviceMetaMaxChars - 14)}"}`;
        const long = fit.replace("x", "xx");
        const [refused, fine] = await Promise.allSettled([
          change({ metaPatch: long, name: "never" }),
          world.engine.changeDevice(gate, { name: "fine" }),
        ]);
        const reason = refused.status === "rejected" ? refused.reason : undefined;
        expect(reason).toBeInstanceOf(Fault);
        expect(reason).toMatchObject({
          code: "device_meta_too_large",
          detail: "it would have 8193 characters, at most 8192 are allowed",
        });
        expect(fine).toMatchObject({ value: { name: "fine" } });
        expect(await get()).toMatchObject({ name: "The door", meta: '{"a":1}' });
        expect((await change({ metaPatch: fit }))?.meta).toHaveLength(LIMITS.deviceMetaMaxChars);
        expect((await change({ metaPatch: long }).catch(String)) as unknown).toContain("8193");
      });

      test("changes nothing where enrolling is closed and must not be", async () => {
        await add("door");
        expect(await change({ secretHash: "h2" }, { enrollable: true })).toBeUndefined();
        expect(await get()).toMatchObject({ secretHash: "h1" });
        for (const enrollment of ["fresh", "open"] as const) {
          await change({ enrollment });
          const enrolled = await change({ secretHash: enrollment }, { enrollable: true });
          expect(enrolled).toMatchObject({ secretHash: enrollment });
        }
      });

      test("lets one of two in that enroll an open device at a time", async () => {
        await add("door", { enrollment: "open" });
        const enroll = (secretHash: string) =>
          change({ secretHash, enrollment: "closed" }, { enrollable: true });
        const both = await Promise.all([enroll("h2"), enroll("h3")]);
        expect(both.map((device) => device?.secretHash)).toEqual(["h2", undefined]);
      });

      test("changes nothing where the push target is another one by now", async () => {
        await add("door");
        const old = { provider: "jpush", token: "t1" };
        expect(await change({ push: null }, { push: old })).toBeUndefined();
        await change({ push: { ...old, token: "t2" } });
        expect(await change({ push: null }, { push: old })).toBeUndefined();
        await change({ push: { ...old, provider: "fcm" } });
        expect(await change({ push: null }, { push: old })).toBeUndefined();
        await change({ push: old });
        expect(await change({ push: null }, { push: old })).not.toHaveProperty("push");
      });

      test("resolves to undefined for an unknown device", async () => {
        expect(await change({ name: "n" })).toBeUndefined();
        expect(await get()).toBeUndefined();
      });
    });

    describe("noteSightings()", () => {
      test("keeps the newest one, whatever order they come in", async () => {
        await addAll("door", "gate");
        const earlier = { seenAtMs: clock.nowMs(), address: "10.0.0.1", appVersion: "1.0" };
        clock.advance(10);
        const later = { seenAtMs: clock.nowMs(), address: "10.0.0.2", appVersion: "2.0" };
        await see(["door", later], ["gate", earlier]);
        await see(["door", { ...earlier, appVersion: "0.9" }], ["gate", later]);
        expect((await get())?.sighting).toEqual(later);
        expect((await get(gate))?.sighting).toEqual(later);
      });

      test("goes on after the machine's clock was set back", async () => {
        await add("door");
        await see(["door", { seenAtMs: clock.nowMs() + 1_000_000 }]);
        await see(["door", { address: "10.0.0.2" }]);
        expect((await get())?.sighting).toEqual({ seenAtMs: clock.nowMs(), address: "10.0.0.2" });
      });

      test("remembers the app version that was said last", async () => {
        await add("door");
        await see(["door", {}]);
        expect((await get())?.sighting).not.toHaveProperty("appVersion");
        await see(["door", { appVersion: "1.0" }]);
        await see(["door", { address: "10.0.0.9", appVersion: undefined }]);
        expect((await get())?.sighting).toMatchObject({ address: "10.0.0.9", appVersion: "1.0" });
      });

      test("closes what was fresh, and leaves alone what is open", async () => {
        await add("door", { enrollment: "fresh" });
        await add("gate", { enrollment: "open" });
        await see(["door", {}], ["gate", {}]);
        expect([(await get())?.enrollment, (await get(gate))?.enrollment]).toEqual([
          "closed",
          "open",
        ]);
      });

      test("leaves unknown devices out and brings no removed one back", async () => {
        await addAll("door", "gate");
        await Promise.all([world.engine.removeDevice(door), see(["door", {}], ["gate", {}])]);
        await see(["door", {}], ["hall", {}]);
        const ids = (await world.engine.devices({ limit: 10 })).map(({ id }) => id);
        expect(ids).toEqual([gate]);
        expect(await get(gate)).toHaveProperty("sighting");
      });

      test("of a whole fleet at once are all kept", async () => {
        const ids = Array.from({ length: 1_100 }, (_, index) => `d${index}`);
        await Promise.all(ids.map((id) => add(id)));
        await see(...ids.map((id) => [id, {}] as const));
        const seen = (await world.engine.devices({ limit: 2_000 })).filter((it) => it.sighting);
        expect(seen).toHaveLength(ids.length);
      });
    });

    describe("changePresence()", () => {
      test("counts the transitions of each device and keeps the newest", async () => {
        await addAll("door", "gate");
        const first = await turn(true);
        expect(first).toEqual({
          device: door,
          online: true,
          atMs: clock.nowMs(),
          reason: "held",
          generation: 1,
        });
        clock.advance(5);
        expect(await turn(false)).toMatchObject({ online: false, generation: 2 });
        expect(await turn(true, { device: gate })).toMatchObject({ generation: 1 });
        expect(await get()).toMatchObject({
          online: false,
          generation: 2,
          presenceAtMs: clock.nowMs(),
        });
        expect(await get(gate)).toMatchObject({ online: true, generation: 1 });
      });

      test("changes and tells nothing of what is on record already", async () => {
        await add("door");
        expect(await turn(false)).toBeUndefined();
        await turn(true);
        const before = await get();
        events.length = 0;
        clock.advance(5);
        expect(await turn(true, { reason: "posted" })).toBeUndefined();
        expect(await get()).toEqual(before);
        expect([events, (await told()).length]).toEqual([[], 1]);
      });

      test("makes one of equal changes that arrive together, and no number twice", async () => {
        await add("door");
        const turns = [true, true, false, true, false, false].map((online) => turn(online));
        const generations = (await Promise.all(turns)).map((made) => made?.generation);
        expect(generations).toEqual([1, undefined, 2, 3, 4, undefined]);
      });

      test("is told on the device's channel and to the endpoints that want it", async () => {
        await add("door");
        const online = await turn(true).finally(() => events.push("resolved"));
        expect(events).toEqual(["device:door 1 device.online", "outbox shop", "resolved"]);
        clock.advance(5);
        const offline = await turn(false);
        expect(events.slice(3)).toEqual(["device:door 2 device.offline"]);
        if (!online || !offline) throw new Error("Cannot compare: a transition is missing");
        const expected = [online, offline].map(presenceEvent);
        expect(await told()).toEqual(expected.map(encodeOwnEvent));
        // Endpoints are told of what they asked for only: going online.
        const { top } = await world.engine.history(deviceChannel(door), everything);
        expect(await world.rowsFor("shop")).toEqual([`door:${expected[0]?.id}:${top.epoch}:1`]);
      });

      test("is undefined for unknown devices, and goes on above what a removed one has told", async () => {
        expect(await turn(true)).toBeUndefined();
        await add("door");
        await turn(true);
        await world.engine.removeDevice(door);
        events.length = 0;
        expect(await turn(false)).toBeUndefined();
        expect(events).toEqual([]);
        await add("door");
        expect(await get()).toMatchObject(unseen);
        expect(await turn(true)).toMatchObject({ generation: 2 });
        expect(await turn(false)).toMatchObject({ generation: 3 });
        // One that has told nothing takes nothing back.
        for (let time = 0; time < 2; time++) {
          await world.engine.removeDevice(door);
          await add("door");
        }
        expect(await turn(true)).toMatchObject({ generation: 4 });
        await add("gate");
        expect(await turn(true, { device: gate })).toMatchObject({ generation: 1 });
      });
    });

    describe("removeDevice()", () => {
      const command = (id: string, device = door) =>
        enqueueCommand(
          { device, type: "lock", data: "1", sender: { kind: "backend" }, key: id },
          { id: parseCommandId(id), nowMs: clock.nowMs() },
        );

      test("removes the record once, and the history of a stream that goes on", async () => {
        await add("door");
        await turn(true);
        const { top } = await world.engine.history(deviceChannel(door), everything);
        expect(await world.engine.removeDevice(door)).toBe(true);
        expect(await world.engine.removeDevice(door)).toBe(false);
        expect(await get()).toBeUndefined();
        const after = await world.engine.history(deviceChannel(door), everything);
        expect(after).toEqual({ top, publications: [] });
        await add("door");
        await turn(true);
        expect(events.at(-2)).toBe("device:door 2 device.online");
        expect(await told()).toHaveLength(1);
      });

      test("forgets the ids of its events, however many, and nobody else's", async () => {
        await addAll("door", "gate");
        const post = (id: string, device = door) =>
          world.engine.append({
            channel: deviceChannel(device),
            publication: { data: '{"type":"t"}', timeMs: clock.nowMs() },
            retention: { sizeMax: 10_000, ttlMs: 1_000_000 },
            dedupe: { scope: device, id, ttlMs: 1_000_000, fingerprint: "f" },
          });
        const ids = Array.from({ length: 1_100 }, (_, index) => `${index}`);
        await Promise.all(ids.map((id) => post(id)));
        await post("1", gate);
        await world.engine.removeDevice(door);
        await add("door");
        const again = await Promise.all(ids.map((id) => post(id)));
        expect(again.filter(({ duplicate }) => duplicate)).toEqual([]);
        expect(again[0]?.offset).toBe(1_101);
        expect(await post("1", gate)).toMatchObject({ duplicate: true });
      });

      test("leaves to the outbox what has happened", async () => {
        await add("door");
        await turn(true);
        await world.engine.removeDevice(door);
        expect(await world.rowsFor("shop")).toHaveLength(1);
      });

      test("takes bindings, state and commands along, and nobody else's", async () => {
        await addAll("door", "gate");
        for (const device of [door, gate]) {
          await world.engine.bind({ user: "anna", device, commands: ["*"] });
          const patch = parseStatePatch('{"n":1}');
          const stateChange = { side: "reported", patch, nowMs: clock.nowMs() } as const;
          await world.engine.patchDeviceState(device, stateChange);
          await world.engine.addCommand(command(`${device}-1`, device));
        }
        await world.engine.removeDevice(door);
        await add("door");
        expect((await world.engine.bindingsOfUser("anna")).map(({ device }) => device)).toEqual([
          gate,
        ]);
        expect(await world.engine.deviceState(door)).toEqual(emptyState(door));
        expect((await world.engine.deviceState(gate)).reported.version).toBe(1);
        expect(await world.engine.commands({ device: door, limit: 9 })).toEqual([]);
        expect(await world.engine.commands({ device: gate, limit: 9 })).toHaveLength(1);
        expect(await world.engine.addCommand(command("door-1"))).toHaveProperty("added");
      });

      test("leaves none of many commands, ended or not", async () => {
        await add("door");
        const ids = Array.from({ length: 450 }, (_, index) => `c${index}`);
        await Promise.all(ids.map((id) => world.engine.addCommand(command(id))));
        const cancel = { kind: "cancel", nowMs: clock.nowMs() } as const;
        const ended = ids.slice(0, 430);
        await Promise.all(
          ended.map((id) => world.engine.moveCommand(door, parseCommandId(id), cancel)),
        );
        expect(await world.engine.removeDevice(door)).toBe(true);
        expect(await world.engine.commands({ device: door, limit: 1_000 })).toEqual([]);
        expect(await world.engine.openCommands(door)).toBe(0);
      });
    });

    describe("devices()", () => {
      const list = async (page: Partial<DevicePage>) =>
        (await world.engine.devices({ limit: 100, ...page })).map(({ id }) => id as string);

      test("gives page by page in the order of the ids", async () => {
        await addAll("d", "B", "a.1", "c", "a");
        const pages: string[][] = [];
        let after: DeviceId | undefined;
        do {
          const page = await world.engine.devices({ limit: 2, ...(after && { after }) });
          pages.push(page.map(({ id }) => id));
          after = page.at(-1)?.id;
        } while (after !== undefined);
        expect(pages).toEqual([["B", "a"], ["a.1", "c"], ["d"], []]);
      });

      test("gives none for 0 and throws for fewer than none", async () => {
        await add("door");
        expect(await list({ limit: 0 })).toEqual([]);
        expect((await list({ limit: -1 }).catch(String)) as unknown).toBe(
          "RangeError: Cannot list devices: limit is -1",
        );
      });

      test.each([
        ["OO", ["door-1", "spare"]],
        ["1", ["door-1"]],
        ["%", ["gate"]],
        ["_", ["hall"]],
        ["\\", ["hall"]],
        ["50%", ["gate"]],
        ["ÄÖ", ["gate"]],
        ["äö", []],
        ["", ["door-1", "gate", "hall", "spare"]],
        ["nowhere", []],
      ])("searches ids and names for %j as it is, whatever its case", async (search, found) => {
        await add("door-1", { name: "north" });
        await add("gate", { name: "50% ÄÖ" });
        await add("hall", { name: "a_b\\c" });
        await add("spare", { name: "Door two" });
        expect(await list({ search })).toEqual(found);
      });

      test("gives only those online or only those offline, in pages and searched", async () => {
        await addAll("a1", "a2", "a3", "b1", "b2");
        for (const id of ["a1", "a3", "b2"]) await turn(true, { device: parseDeviceId(id) });
        expect(await list({ online: true })).toEqual(["a1", "a3", "b2"]);
        expect(await list({ online: false })).toEqual(["a2", "b1"]);
        const after = parseDeviceId("a1");
        expect(await list({ online: true, after, limit: 1 })).toEqual(["a3"]);
        expect(await list({ online: true, search: "B" })).toEqual(["b2"]);
        expect(await list({ online: false, search: "b", after })).toEqual(["b1"]);
      });
    });

    describe("afterwards", () => {
      if (underTest.keepsAfterClose) {
        test("a reopened store has every record as it was", async () => {
          await add("door", { meta: '{"n":1.0}', enrollment: "open" });
          await see(["door", { appVersion: "1" }]);
          await turn(true);
          await world.engine.changeDevice(door, { push: { provider: "fcm", token: "t" } });
          await add("gate");
          const before = await world.engine.devices({ limit: 10 });
          await world.reopen();
          expect(await world.engine.devices({ limit: 10 })).toEqual(before);
          expect(await turn(false)).toMatchObject({ generation: 2 });
        });
      }

      test("every call rejects with draining once the engine is disposed", async () => {
        await world.engine[Symbol.asyncDispose]();
        const calls: readonly (() => Promise<unknown>)[] = [
          () => add("door"),
          () => world.engine.changeDevice(door, {}),
          () => see(),
          () => see(["door", {}]),
          () => turn(true),
          () => world.engine.removeDevice(door),
          () => get(),
          () => world.engine.devices({ limit: 1 }),
        ];
        for (const call of calls) {
          const error = await call().catch((thrown: unknown) => thrown);
          expect(error instanceof Fault && error.code).toBe("draining");
        }
      });
    });
  });
}
