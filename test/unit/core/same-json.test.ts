import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { isSameJson } from "../../../src/core/same-json.ts";

describe("isSameJson()", () => {
  test.each([
    ["1", "1.0"],
    ["100", "1e2"],
    ["100", "1E+2"],
    ["0.001", "1e-3"],
    ["-0", "0.0e5"],
    ["1.50", "15e-1"],
    ["1e99999999999999999999", "10e99999999999999999998"],
    ['"/"', '"\\/"'],
    ['"ä"', '"\\u00e4"'],
    ['{"a":1,"b":[ 2 ]}', '{ "b":[2.0], "a":1 }'],
    [" true ", "true"],
    ["[]", "[ ]"],
    ["{}", "{ }"],
  ])("is true of %s and %s", (a, b) => {
    expect(isSameJson(a, b)).toBe(true);
    expect(isSameJson(b, a)).toBe(true);
  });

  test.each([
    ["1", "-1"],
    ["1", "10"],
    ["9007199254740992", "9007199254740993"],
    ["1e400", "1e401"],
    ["1", '"1"'],
    ["1", "true"],
    ["null", "false"],
    ["0", "null"],
    ["0", '""'],
    ["[]", "{}"],
    ["[]", '"[]"'],
    ["{}", "1"],
    ["[1,2]", "[2,1]"],
    ["[1]", "[1,1]"],
    ['{"a":1}', '{"b":1}'],
    ['{"a":1}', '{"a":1,"b":1}'],
    ['{"a":{"b":1}}', '{"a":{"b":2}}'],
    ['"a"', '"b"'],
  ])("is false of %s and %s", (a, b) => {
    expect(isSameJson(a, b)).toBe(false);
    expect(isSameJson(b, a)).toBe(false);
  });

  test("is true of any value in two spellings", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 1, max: 4 }), (value, indent) => {
        expect(isSameJson(JSON.stringify(value), JSON.stringify(value, null, indent))).toBe(true);
      }),
    );
  });

  test("is true of any number with its point moved and zeros added", () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.integer(), fc.nat(5), (digits, exponent, zeros) => {
        const text = `${digits}e${exponent}`;
        expect(isSameJson(text, `${digits}.${"0".repeat(zeros + 1)}E${exponent}`)).toBe(true);
        expect(isSameJson(text, `${digits}${"0".repeat(zeros)}e${exponent - zeros}`)).toBe(true);
        expect(isSameJson(text, `${digits + 1n}e${exponent}`)).toBe(false);
      }),
    );
  });

  test("is true of two doubles just where they are equal", () => {
    const double = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: -3, max: 3 }),
    );
    fc.assert(
      fc.property(double, double, (a, b) => {
        expect(isSameJson(String(a), b.toExponential())).toBe(a === b);
      }),
    );
  });
});
