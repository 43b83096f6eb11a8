import { describe, expect, test } from "bun:test";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import {
  type DeviceState,
  emptyState,
  parseStatePatch,
  patchState,
  type StateChange,
  stateDelta,
} from "../../../src/core/device-state.ts";
import { encodeState, stateEvent } from "../../../src/core/device-state-text.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { encodeOwnEvent } from "../../../src/core/own-event.ts";

const DEVICE = parseDeviceId("kiosk-1");

function change(side: StateChange["side"], patch: string, version?: number): StateChange {
  return { side, patch: parseStatePatch(patch), version, nowMs: 5_000 };
}

/** The state after changes that all have to change it. */
function after(...changes: readonly StateChange[]): DeviceState {
  return changes.reduce<DeviceState>((state, one) => {
    const outcome = patchState(state, one);
    if ("changed" in outcome) return outcome.changed;
    throw new Error(`Cannot prepare: the ${one.side} state did not change`);
  }, emptyState(DEVICE));
}

describe("parseStatePatch()", () => {
  test.each(["1", "null", "[]", '"{}"'])("refuses %s, which is no object", (text) => {
    expect(() => parseStatePatch(text)).toThrow(expect.objectContaining({ code: "state_invalid" }));
  });

  test("refuses what is nested too deep", () => {
    const { stateDepthMax: depth } = LIMITS;
    const text = `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    expect(() => parseStatePatch(text)).toThrow(expect.objectContaining({ code: "state_invalid" }));
  });

  test("brings the patch on one line", () => {
    expect(String(parseStatePatch('{\r\n"a":\n1.0}'))).toBe('{"a":1.0}');
  });
});

describe("patchState()", () => {
  test("counts the changes of each side on its own", () => {
    const state = after(
      change("reported", '{"volume":1.0}'),
      change("reported", '{"volume":2}'),
      change("desired", '{"volume":3}'),
    );
    expect(state).toEqual({
      device: DEVICE,
      reported: { text: '{"volume":2}', version: 2, updatedAtMs: 5_000 },
      desired: { text: '{"volume":3}', version: 1, updatedAtMs: 5_000 },
    });
  });

  test.each(["{}", '{"gone":null}', '{"volume":1.0}'])("is unchanged by %s", (patch) => {
    const state = after(change("reported", '{"volume":1.0}'));
    expect(patchState(state, change("reported", patch))).toEqual({ unchanged: state });
  });

  test("follows a patch for the version that is there", () => {
    const state = after(change("desired", '{"a":1}'), change("desired", '{"a":2}', 1));
    expect(state.desired).toMatchObject({ text: '{"a":2}', version: 2 });
  });

  test.each([0, 2])("is in conflict with a patch for version %d of 1", (version) => {
    const state = after(change("desired", '{"a":1}'), change("reported", '{"a":1}'));
    expect(patchState(state, change("desired", '{"a":1}', version))).toEqual({
      refused: "state_conflict",
      detail: `got version ${version} of the desired state, which is at version 1`,
    });
  });

  test("refuses to grow too large, and can shrink again", () => {
    const room = LIMITS.stateMaxChars - '{"a":""}'.length;
    const full = after(change("reported", `{"a":"${"x".repeat(room)}"}`));
    expect(patchState(full, change("reported", '{"b":1}'))).toMatchObject({
      refused: "state_too_large",
    });
    expect(patchState(full, change("reported", '{"a":null}'))).toHaveProperty("changed");
  });
});

describe("stateDelta()", () => {
  test("is what the device still has to follow", () => {
    const wanted = change("desired", '{"a":1.0,"b":{"c":2}}');
    expect(stateDelta(after(wanted))).toBe('{"a":1.0,"b":{"c":2}}');
    const half = change("reported", '{"a":1,"b":{"d":3}}');
    expect(stateDelta(after(wanted, half))).toBe('{"b":{"c":2}}');
    expect(stateDelta(after(wanted, half, change("reported", '{"b":{"c":2}}')))).toBeUndefined();
  });
});

describe("encodeState()", () => {
  test("shows both sides untouched, and what is left to follow", () => {
    const state = after(
      change("reported", '{"n":9007199254740993}'),
      change("desired", '{"n":1.0}'),
    );
    expect(encodeState(state)).toBe(
      '{"device":"kiosk-1","reported":{"n":9007199254740993},"desired":{"n":1.0},' +
        '"reported_version":1,"desired_version":1,"delta":{"n":1.0}}',
    );
  });

  test("has no delta when nothing is left to follow", () => {
    expect(JSON.parse(encodeState(emptyState(DEVICE)))).toEqual({
      device: "kiosk-1",
      reported: {},
      desired: {},
      reported_version: 0,
      desired_version: 0,
    });
  });
});

test("stateEvent() tells which side changed and shows both", () => {
  const state = after(change("reported", '{"n":1.0}'), change("desired", '{"n":2}'));
  expect(encodeOwnEvent(stateEvent(state, "desired", 7_000))).toBe(
    '{"id":"kiosk-1.desired.1.7000","type":"device.state","device":"kiosk-1","time":7000,"data":' +
      '{"changed":"desired","reported":{"n":1.0},"desired":{"n":2},"reported_version":1,"desired_version":1}}',
  );
});
