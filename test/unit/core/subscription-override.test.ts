import { expect, test } from "bun:test";
import { parseOverride } from "../../../src/core/subscription-override.ts";

test("parseOverride() reads each choice under its own name", () => {
  const override = parseOverride({
    presence: { value: true },
    join_leave: { value: false },
    force_push_join_leave: { value: true },
    force_recovery: { value: false },
    force_positioning: { value: true },
  });
  expect(override).toEqual({
    presence: true,
    joinLeave: false,
    forcePushJoinLeave: true,
    forceRecovery: false,
    forcePositioning: true,
  });
});

test.each([
  [{}, {}],
  [{ presence: null, shoe_size: 42 }, {}],
  [{ presence: {} }, { presence: false }],
  [{ presence: { value: null } }, { presence: false }],
])("parseOverride() takes %j for %j", (value, wanted) => {
  expect(parseOverride(value)).toEqual(wanted);
});

test.each([
  [null],
  [[]],
  ["presence"],
  [{ presence: true }],
  [{ presence: [] }],
  [{ presence: { value: "true" } }],
  [{ join_leave: { value: 1 } }],
])("parseOverride() refuses %j", (value) => {
  expect(() => parseOverride(value)).toThrow('Cannot use override: wanted {"value":true} for any');
});
