import { beforeEach, describe, expect, test } from "bun:test";
import { parseDeviceId } from "../../src/core/device-id.ts";
import { Fault } from "../../src/core/faults.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { type EngineUnderTest, openForEach } from "./engine-world.ts";

const door = parseDeviceId("door");
const gate = parseDeviceId("gate");

/** The promises of `Bindings`, as tests. Every engine runs all of them. */
export function describeBindings(underTest: EngineUnderTest): void {
  describe(`Bindings contract: ${underTest.name}`, () => {
    const world = openForEach(underTest);

    const addDevice = (id: string) =>
      world.engine.addDevice({
        id: parseDeviceId(id),
        name: "",
        meta: "{}",
        secretHash: "h",
        enrollment: "closed",
        createdAtMs: 0,
      });
    const bind = (user: string, device = door, commands: readonly string[] = ["*"]) =>
      world.engine.bind({ user, device, commands });

    beforeEach(async () => {
      await addDevice("gate");
      await addDevice("door");
    });

    test("bind() is known from both sides as soon as it resolves", async () => {
      expect(await bind("anna", door, ["lock", "open.*"])).toBe("bound");
      const binding = { user: "anna", device: door, commands: ["lock", "open.*"] };
      expect(await world.engine.bindingsOfUser("anna")).toEqual([binding]);
      expect(await world.engine.bindingsOfDevice(door)).toEqual([binding]);
      expect(await world.engine.bindingsOfUser("bob")).toEqual([]);
      expect(await world.engine.bindingsOfDevice(gate)).toEqual([]);
    });

    test("bind() again gives the binding its new commands", async () => {
      await bind("anna", door, ["lock"]);
      expect(await bind("anna", door, [])).toBe("bound");
      expect(await world.engine.bindingsOfUser("anna")).toEqual([
        { user: "anna", device: door, commands: [] },
      ]);
    });

    test("bind() refuses an unknown device and changes nothing", async () => {
      expect(await bind("anna", parseDeviceId("nowhere"))).toBe("device_unknown");
      expect(await world.engine.bindingsOfUser("anna")).toEqual([]);
    });

    test("bindings are listed in order of the other side", async () => {
      for (const user of ["bob", "Ünal", "anna"]) {
        for (const device of [gate, door]) await bind(user, device);
      }
      const devices = (await world.engine.bindingsOfUser("bob")).map(({ device }) => device);
      expect(devices).toEqual([door, gate]);
      const users = (await world.engine.bindingsOfDevice(gate)).map(({ user }) => user);
      expect(users).toEqual(["anna", "bob", "Ünal"]);
    });

    test("unbind() ends one binding, once", async () => {
      for (const user of ["anna", "bob"]) await bind(user);
      await bind("anna", gate);
      expect(await world.engine.unbind("anna", door)).toBe(true);
      expect(await world.engine.unbind("anna", door)).toBe(false);
      expect((await world.engine.bindingsOfUser("anna")).map(({ device }) => device)).toEqual([
        gate,
      ]);
      expect(await world.engine.bindingsOfDevice(door)).toHaveLength(1);
    });

    test("bind() refuses more devices than a user may have, until one is unbound", async () => {
      const max = LIMITS.bindingsPerUser;
      const ids = Array.from({ length: max }, (_, index) => `d${index}`);
      await Promise.all(ids.map(addDevice));
      await Promise.all(ids.map((id) => bind("anna", parseDeviceId(id))));
      expect(await bind("anna")).toBe("full");
      expect(await world.engine.bindingsOfUser("anna")).toHaveLength(max);
      expect(await bind("anna", parseDeviceId("d5"), ["lock"])).toBe("bound");
      expect(await bind("bob")).toBe("bound");
      await world.engine.unbind("anna", parseDeviceId("d5"));
      expect(await bind("anna")).toBe("bound");
    });

    test("bind() refuses more users than a device may have", async () => {
      const max = LIMITS.bindingsPerDevice;
      const users = Array.from({ length: max + 1 }, (_, index) => `u${index}`);
      const bound = await Promise.all(users.map((user) => bind(user)));
      expect(bound.filter((each) => each === "bound")).toHaveLength(max);
      expect(bound.at(-1)).toBe("full");
      expect(await bind("u0", gate)).toBe("bound");
      expect(await world.engine.bindingsOfDevice(door)).toHaveLength(max);
    });

    if (underTest.keepsAfterClose) {
      test("a reopened store has every binding as it was", async () => {
        await bind("anna", door, ["lock"]);
        const before = await world.engine.bindingsOfUser("anna");
        await world.reopen();
        expect(await world.engine.bindingsOfUser("anna")).toEqual(before);
      });
    }

    test("every call rejects with draining once the engine is disposed", async () => {
      await world.engine[Symbol.asyncDispose]();
      const calls: readonly (() => Promise<unknown>)[] = [
        () => bind("anna"),
        () => world.engine.unbind("anna", door),
        () => world.engine.bindingsOfUser("anna"),
        () => world.engine.bindingsOfDevice(door),
      ];
      for (const call of calls) {
        const error = await call().catch((thrown: unknown) => thrown);
        expect(error instanceof Fault && error.code).toBe("draining");
      }
    });
  });
}
