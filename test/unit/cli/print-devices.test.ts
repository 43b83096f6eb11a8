import { describe, expect, test } from "bun:test";
import type { CommandContext } from "../../../src/cli/command.ts";
import { printDevices } from "../../../src/cli/print-devices.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import type { Device, Devices } from "../../../src/core/devices.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { systemEntropy } from "../../../src/runtime/entropy.ts";

/** Devices d0000, d0001, … that are only listed, and note how. */
class Fleet implements Pick<Devices, "list"> {
  readonly limits: number[] = [];
  readonly #all: readonly Device[];

  constructor(count: number) {
    this.#all = Array.from({ length: count }, (_, index) => {
      const id = parseDeviceId(`d${String(index).padStart(4, "0")}`);
      const seenAtMs = Date.UTC(2026, 0, 2);
      return {
        id,
        name: `n${index}`,
        meta: `{"sim":89860012345678901234}`,
        enrollment: "closed",
        createdAtMs: Date.UTC(2026, 0, 1),
        online: index === 0,
        generation: 0,
        ...(index === 0 && { sighting: { seenAtMs, address: "::1" } }),
      };
    });
  }

  async list({ after = "", limit }: { after?: string; limit: number }) {
    this.limits.push(limit);
    return this.#all.filter(({ id }) => id > after).slice(0, limit);
  }
}

async function printed(count: number, json: boolean) {
  const fleet = new Fleet(count);
  const chunks: string[] = [];
  const context: CommandContext = {
    env: {},
    cwd: "/",
    stdout: (text) => chunks.push(text),
    stderr: () => {},
    stdoutIsTty: false,
    clock: systemClock,
    entropy: systemEntropy,
    usage: () => ({ cpuSeconds: 0, residentBytes: 0, heapBytes: 0 }),
  };
  await printDevices(fleet, json, context);
  return { text: chunks.join(""), limits: fleet.limits };
}

describe("printDevices()", () => {
  test.each([0, 1, 499, 500, 501, 1_000, 1_001])(
    "prints each of %d devices once and in order, a page at a time",
    async (count) => {
      const { text, limits } = await printed(count, true);
      const ids = JSON.parse(text).map(({ id }: { id: string }) => id);
      expect(ids).toHaveLength(count);
      expect(ids).toEqual([...new Set(ids)].toSorted());
      expect(Math.max(...limits)).toBeLessThanOrEqual(500);
    },
  );

  test("prints a line per device for people", async () => {
    const { text } = await printed(2, false);
    expect(text).toBe(
      `${"d0000".padEnd(36)}  online   2026-01-02T00:00:00.000Z  n0\n${"d0001".padEnd(36)}  offline  never seen                n1\n`,
    );
  });

  test("prints every digit of meta for programs, and what is not known not at all", async () => {
    const { text } = await printed(2, true);
    expect(text).toContain('"meta":{"sim":89860012345678901234}');
    expect(JSON.parse(text)).toMatchObject([
      { id: "d0000", online: true, last_seen_at: "2026-01-02T00:00:00.000Z" },
      { id: "d0001", online: false, created_at: "2026-01-01T00:00:00.000Z" },
    ]);
    expect(JSON.parse(text)[1]).not.toHaveProperty("last_seen_at");
  });
});
