import { describe, expect, test } from "bun:test";
import type { CommandId } from "../../src/core/command.ts";
import { parseDeviceId } from "../../src/core/device-id.ts";
import { type EngineUnderTest, openForEach } from "./engine-world.ts";

const DOOR = parseDeviceId("door");
const LEASE_MS = 60_000;

/** What an engine promises to whoever watches it. Every engine runs all of it. */
export function describeFigures(underTest: EngineUnderTest): void {
  describe(`Figures contract: ${underTest.name}`, () => {
    const world = openForEach(underTest);

    const addDoor = () =>
      world.engine.addDevice({
        ...{ id: DOOR, name: "", meta: "{}", secretHash: "h", enrollment: "closed" },
        createdAtMs: 0,
      });
    const addCommand = (id: string) =>
      world.engine.addCommand({
        ...{ id: id as CommandId, device: DOOR, type: "open", data: "null", priority: 0 },
        ...{ sender: { kind: "backend" }, status: "queued", attempt: 0 },
        createdAtMs: world.clock.nowMs(),
        expiresAtMs: world.clock.nowMs() + LEASE_MS,
      });

    test("a store that is new holds nothing", async () => {
      expect(await world.engine.figures()).toEqual({ devices: 0, commands: {}, endpoints: [] });
    });

    test("they count devices, and commands by their status with the age of the oldest that waits", async () => {
      await addDoor();
      const firstAtMs = world.clock.nowMs();
      await addCommand("a");
      world.clock.advance(1_000);
      await addCommand("b");
      expect(await world.engine.figures()).toMatchObject({
        devices: 1,
        commands: { queued: 2 },
        oldestQueuedAtMs: firstAtMs,
      });
      const nowMs = world.clock.nowMs();
      await world.engine.leaseCommands({
        ...{ device: DOOR, receiver: "r", max: 1, leaseMs: LEASE_MS, nowMs },
      });
      expect(await world.engine.figures()).toMatchObject({
        commands: { queued: 1, leased: 1 },
        oldestQueuedAtMs: firstAtMs + 1_000,
      });
      await world.engine.removeDevice(DOOR);
      const emptied = await world.engine.figures();
      expect(emptied.devices).toBe(0);
      expect(Object.values(emptied.commands).every((count) => count === 0)).toBe(true);
      expect(emptied.oldestQueuedAtMs).toBeUndefined();
    });

    test("they tell of each endpoint what waits, and since when the oldest does", async () => {
      const createdAtMs = world.clock.nowMs();
      const entry = (id: string, atMs: number) => ({
        ...{ endpoint: "erp", id, type: "sold", orderKey: "", body: "{}", createdAtMs: atMs },
      });
      await world.engine.add([entry("a", createdAtMs), entry("b", createdAtMs + 5)]);
      const [erp] = (await world.engine.figures()).endpoints;
      expect(erp).toEqual({
        ...{ endpoint: "erp", waiting: 2, waitingBytes: 4, dead: 0, oldestAtMs: createdAtMs },
      });
      await world.engine.done({ endpoint: "erp", id: "a" });
      await world.engine.bury({ endpoint: "erp", id: "b" }, { atMs: createdAtMs, why: "x" });
      const [emptied] = (await world.engine.figures()).endpoints;
      expect(emptied).toEqual({ endpoint: "erp", waiting: 0, waitingBytes: 0, dead: 1 });
    });
  });
}
