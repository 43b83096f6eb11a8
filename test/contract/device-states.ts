import { beforeEach, describe, expect, test } from "bun:test";
import { deviceChannel } from "../../src/core/channel.ts";
import { type DeviceId, parseDeviceId } from "../../src/core/device-id.ts";
import {
  emptyState,
  parseStatePatch,
  type StateChange,
  type StatePatch,
} from "../../src/core/device-state.ts";
import { stateEvent } from "../../src/core/device-state-text.ts";
import { Fault } from "../../src/core/faults.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { encodeOwnEvent } from "../../src/core/own-event.ts";
import { type EngineUnderTest, openForEach } from "./engine-world.ts";

const door = parseDeviceId("door");
const gate = parseDeviceId("gate");
const everything = { limit: 100, ttlMs: Number.MAX_SAFE_INTEGER };

/** The promises of `DeviceStates`, as tests. Every engine runs all of them. */
export function describeDeviceStates(underTest: EngineUnderTest): void {
  describe(`DeviceStates contract: ${underTest.name}`, () => {
    const world = openForEach(underTest);
    const { clock, events } = world;

    const change = (patch: string, more: Partial<StateChange> = {}): StateChange => ({
      side: "reported",
      patch: parseStatePatch(patch),
      nowMs: clock.nowMs(),
      ...more,
    });
    const patch = (text: string, more: Partial<StateChange> = {}, device: DeviceId = door) =>
      world.engine.patchDeviceState(device, change(text, more));
    const told = async () =>
      (await world.engine.history(deviceChannel(door), everything)).publications;

    beforeEach(async () => {
      const device = { name: "", meta: "{}", secretHash: "h", createdAtMs: 0 } as const;
      for (const id of [door, gate]) {
        await world.engine.addDevice({ ...device, id, enrollment: "closed" });
      }
    });

    test("deviceState() of a device that nothing was said about is empty", async () => {
      expect(await world.engine.deviceState(door)).toEqual(emptyState(door));
      expect(await world.engine.deviceState(parseDeviceId("nowhere"))).toMatchObject({
        reported: { version: 0 },
      });
    });

    test("patchDeviceState() keeps both sides, each with its version and time", async () => {
      const firstAtMs = clock.nowMs();
      await patch('{"n":1.0,"big":9007199254740993}');
      clock.advance(5);
      const outcome = await patch('{"n":2}', { side: "desired" });
      const state = {
        device: door,
        reported: { text: '{"n":1.0,"big":9007199254740993}', version: 1, updatedAtMs: firstAtMs },
        desired: { text: '{"n":2}', version: 1, updatedAtMs: clock.nowMs() },
      };
      expect(outcome).toEqual({ changed: state });
      expect(await world.engine.deviceState(door)).toEqual(state);
      expect(await world.engine.deviceState(gate)).toEqual(emptyState(gate));
      expect(await patch('{"n":null}')).toMatchObject({
        changed: { reported: { text: '{"big":9007199254740993}', version: 2 } },
      });
    });

    test("patchDeviceState() loses none of many patches that arrive together", async () => {
      await Promise.all(Array.from({ length: 50 }, (_, index) => patch(`{"k${index}":1}`)));
      const { reported } = await world.engine.deviceState(door);
      expect(reported.version).toBe(50);
      expect(Object.keys(JSON.parse(reported.text))).toHaveLength(50);
      const offsets = (await told()).map(({ offset }) => offset);
      expect(offsets).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    });

    test("patchDeviceState() is told on the device's channel and to the endpoints that want it", async () => {
      const outcome = await patch('{"n":1.0}').finally(() => events.push("resolved"));
      expect(events).toEqual(["device:door 1 device.state", "outbox shop erp", "resolved"]);
      if (!outcome || !("changed" in outcome)) throw new Error("Cannot compare: nothing changed");
      const event = stateEvent(outcome.changed, "reported", clock.nowMs());
      expect(await told()).toEqual([
        { offset: 1, timeMs: clock.nowMs(), data: encodeOwnEvent(event) },
      ]);
      const { top } = await world.engine.history(deviceChannel(door), everything);
      for (const endpoint of ["shop", "erp"]) {
        expect(await world.rowsFor(endpoint)).toEqual([`door:${event.id}:${top.epoch}:1`]);
      }
    });

    test("patchDeviceState() changes and tells nothing where nothing is new", async () => {
      await patch('{"n":1}');
      const before = await world.engine.deviceState(door);
      events.length = 0;
      clock.advance(5);
      expect(await patch('{"n":1,"x":null}')).toEqual({ unchanged: before });
      expect(await world.engine.deviceState(door)).toEqual(before);
      expect(events).toEqual([]);
    });

    test("patchDeviceState() refuses a version that is not the current one", async () => {
      await patch('{"n":1}');
      events.length = 0;
      expect(await patch('{"n":2}', { version: 0 })).toMatchObject({ refused: "state_conflict" });
      expect(events).toEqual([]);
      expect(await patch('{"n":2}', { version: 1 })).toHaveProperty("changed");
      const both = [patch('{"n":3}', { version: 2 }), patch('{"n":4}', { version: 2 })];
      expect((await Promise.all(both)).map((one) => Object.keys(one ?? {})[0])).toEqual([
        "changed",
        "refused",
      ]);
    });

    test("patchDeviceState() refuses what would be too long", async () => {
      await patch('{"n":1}');
      const long = `{"s":"${"x".repeat(LIMITS.stateMaxChars)}"}`;
      expect(await patch(long)).toMatchObject({ refused: "state_too_large" });
      expect((await world.engine.deviceState(door)).reported.text).toBe('{"n":1}');
    });

    test("patchDeviceState() rejects with the fault of a patch that nobody parsed", async () => {
      const deep = `${'{"a":'.repeat(70)}1${"}".repeat(70)}` as StatePatch;
      const error = await world.engine
        .patchDeviceState(door, { side: "reported", patch: deep, nowMs: 0 })
        .catch((thrown: unknown) => thrown);
      expect(error instanceof Fault && [error.code, error.detail]).toEqual([
        "state_invalid",
        "it is nested 70 deep, at most 64 is allowed",
      ]);
    });

    test("patchDeviceState() is undefined for an unknown device and tells of nothing", async () => {
      const nowhere = parseDeviceId("nowhere");
      expect(await patch('{"n":1}', {}, nowhere)).toBeUndefined();
      expect(await world.engine.deviceState(nowhere)).toEqual(emptyState(nowhere));
      expect(events).toEqual([]);
    });

    if (underTest.keepsAfterClose) {
      test("a reopened store has every state as it was", async () => {
        await patch('{"n":1}');
        await patch('{"n":2}', { side: "desired" });
        const before = await world.engine.deviceState(door);
        await world.reopen();
        expect(await world.engine.deviceState(door)).toEqual(before);
      });
    }

    test("every call rejects with draining once the engine is disposed", async () => {
      await world.engine[Symbol.asyncDispose]();
      for (const call of [() => patch("{}"), () => world.engine.deviceState(door)]) {
        const error = await (call as () => Promise<unknown>)().catch((thrown: unknown) => thrown);
        expect(error instanceof Fault && error.code).toBe("draining");
      }
    });
  });
}
