import { describe, expect, test } from "bun:test";
import {
  parseDecimal,
  passesFilter,
  type TagCompare,
  type TagsFilter,
} from "../../../src/core/tags-filter.ts";

const YES: TagsFilter = { op: "tag", key: "k", cmp: { by: "ex" } };
const NO: TagsFilter = { op: "tag", key: "k", cmp: { by: "nex" } };

function passes(cmp: TagCompare, value: string | undefined): boolean {
  const tags = value === undefined ? {} : { k: value };
  return passesFilter({ op: "tag", key: "k", cmp }, tags);
}

describe("passesFilter()", () => {
  test.each<readonly [TagCompare, string, boolean]>([
    [{ by: "eq", text: "a" }, "a", true],
    [{ by: "eq", text: "a" }, "b", false],
    [{ by: "eq", text: "" }, "", true],
    [{ by: "neq", text: "a" }, "a", false],
    [{ by: "neq", text: "a" }, "b", true],
    [{ by: "sw", text: "al" }, "alarm", true],
    [{ by: "sw", text: "rm" }, "alarm", false],
    [{ by: "ew", text: "rm" }, "alarm", true],
    [{ by: "ew", text: "al" }, "alarm", false],
    [{ by: "ct", text: "lar" }, "alarm", true],
    [{ by: "ct", text: "x" }, "alarm", false],
    [{ by: "in", texts: ["a", "b"] }, "b", true],
    [{ by: "in", texts: ["a", "b"] }, "c", false],
    [{ by: "in", texts: [] }, "a", false],
    [{ by: "nin", texts: ["a", "b"] }, "b", false],
    [{ by: "nin", texts: ["a", "b"] }, "c", true],
    [{ by: "ex" }, "", true],
    [{ by: "nex" }, "", false],
    [{ by: "lt", number: 5 }, "4.9", true],
    [{ by: "lt", number: 5 }, "5", false],
    [{ by: "lte", number: 5 }, "5.0", true],
    [{ by: "lte", number: 5 }, "5.1", false],
    [{ by: "gt", number: 5 }, "10", true],
    [{ by: "gt", number: 5 }, "5", false],
    [{ by: "gte", number: 5 }, "5", true],
    [{ by: "gte", number: 5 }, "-6", false],
    [{ by: "gt", number: 5 }, "10 degrees", false],
    [{ by: "lt", number: 5 }, "", false],
    [{ by: "gte", number: 0 }, "cold", false],
  ])("compares by %j the tag %j: %j", (...[cmp, value, is]) => {
    expect(passes(cmp, value)).toBe(is);
  });

  test.each<readonly [TagCompare, boolean]>([
    [{ by: "eq", text: "" }, false],
    [{ by: "neq", text: "a" }, true],
    [{ by: "sw", text: "" }, false],
    [{ by: "ew", text: "" }, false],
    [{ by: "ct", text: "" }, false],
    [{ by: "in", texts: [""] }, false],
    [{ by: "nin", texts: ["a"] }, true],
    [{ by: "ex" }, false],
    [{ by: "nex" }, true],
    [{ by: "lt", number: 1 }, false],
    [{ by: "lte", number: 1 }, false],
    [{ by: "gt", number: -1 }, false],
    [{ by: "gte", number: -1 }, false],
  ])("compares by %j a tag that is not there: %j", (cmp, is) => {
    expect(passes(cmp, undefined)).toBe(is);
  });

  test.each<readonly [string, TagsFilter, boolean]>([
    ["and of all that pass", { op: "and", nodes: [YES, YES] }, true],
    ["and with one that does not", { op: "and", nodes: [YES, NO] }, false],
    ["or with one that does", { op: "or", nodes: [NO, YES] }, true],
    ["or of none that does", { op: "or", nodes: [NO, NO] }, false],
    ["not of one that does not", { op: "not", node: NO }, true],
    ["not of one that does", { op: "not", node: YES }, false],
    [
      "nested ones",
      { op: "not", node: { op: "and", nodes: [YES, { op: "not", node: YES }] } },
      true,
    ],
  ])("answers %s: %p", (...[, filter, is]) => {
    expect(passesFilter(filter, { k: "v" })).toBe(is);
  });

  test("does not take what every object has for a tag", () => {
    expect(passesFilter({ op: "tag", key: "constructor", cmp: { by: "ex" } }, {})).toBe(false);
  });
});

describe("parseDecimal()", () => {
  test.each([
    ["0", 0],
    ["-1.50", -1.5],
    ["+2", 2],
    [".5", 0.5],
    ["1.", 1],
    ["1e3", 1000],
  ])("reads %j", (text, number) => {
    expect(parseDecimal(text)).toBe(number);
  });

  test.each([[""], [" 1"], ["0x10"], ["1,5"], ["1e999"], ["Infinity"], ["NaN"], ["."], ["1 2"]])(
    "reads no number in %j",
    (text) => {
      expect(parseDecimal(text)).toBeUndefined();
    },
  );
});
