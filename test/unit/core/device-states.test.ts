import { describe, expect, test } from "bun:test";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { parseStatePatch, type StateSide } from "../../../src/core/device-state.ts";
import { createStates } from "../../../src/core/device-states.ts";
import { Fault } from "../../../src/core/faults.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryRegistry } from "../../support/memory-registry.ts";

const ID = parseDeviceId("42");

async function make() {
  const clock = new FakeClock();
  const records = new MemoryRegistry();
  const changed: string[] = [];
  const states = createStates({ records, clock, desiredChanged: (id) => void changed.push(id) });
  await records.addDevice({
    id: ID,
    name: "",
    meta: "{}",
    secretHash: "",
    enrollment: "closed",
    createdAtMs: 0,
  });
  const patch = (side: StateSide, text: string, version?: number) =>
    states.patch(ID, { side, patch: parseStatePatch(text), version });
  return { clock, records, changed, states, patch };
}

describe("createStates()", () => {
  test("changes one side at a time and dates it", async () => {
    const { states, patch, clock } = await make();
    await patch("reported", '{"a":1.0}');
    clock.advance(5);
    const state = await patch("desired", '{"a":2}');
    expect(state).toEqual({
      device: ID,
      reported: { text: '{"a":1.0}', version: 1, updatedAtMs: clock.nowMs() - 5 },
      desired: { text: '{"a":2}', version: 1, updatedAtMs: clock.nowMs() },
    });
    expect(await states.find(ID)).toEqual(state);
  });

  test("tells of what is desired when that was stored and is another", async () => {
    const { records, patch, changed } = await make();
    await patch("reported", '{"a":1}');
    expect(changed).toEqual([]);
    await patch("desired", '{"a":1}');
    await patch("desired", '{"a":1}');
    await patch("desired", '{"a":3}', 7).catch(() => {});
    expect(changed).toEqual([ID]);
    records.failure = new Fault("store_failed");
    await expect(patch("desired", '{"a":2}')).rejects.toMatchObject({ code: "store_failed" });
    expect(changed).toEqual([ID]);
  });

  test("refuses a version that is not the side's, and says which one is", async () => {
    const { patch } = await make();
    await patch("reported", '{"a":1}', 0);
    await expect(patch("reported", '{"a":2}', 0)).rejects.toMatchObject({
      code: "state_conflict",
      detail: expect.stringContaining("version 1"),
    });
    await patch("desired", '{"a":2}', 0);
  });

  test("knows devices only that there are", async () => {
    const { states, changed } = await make();
    const unknown = parseDeviceId("43");
    const refusal = { code: "device_unknown" };
    await expect(states.find(unknown)).rejects.toMatchObject(refusal);
    const patched = states.patch(unknown, { side: "desired", patch: parseStatePatch("{}") });
    await expect(patched).rejects.toMatchObject(refusal);
    expect(changed).toEqual([]);
  });
});
