import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { TagsFilter } from "../../../src/core/tags-filter.ts";
import { decodeTagsFilter } from "../../../src/protocol/tags-filter.ts";

const LEAF = { key: "k", cmp: "ex" };

describe("decodeTagsFilter()", () => {
  test.each<readonly [object, TagsFilter]>([
    [
      { key: "k", cmp: "eq", val: "a" },
      { op: "tag", key: "k", cmp: { by: "eq", text: "a" } },
    ],
    [
      { key: "k", cmp: "neq", val: "a" },
      { op: "tag", key: "k", cmp: { by: "neq", text: "a" } },
    ],
    [
      { key: "k", cmp: "sw", val: "a" },
      { op: "tag", key: "k", cmp: { by: "sw", text: "a" } },
    ],
    [
      { key: "k", cmp: "ew", val: "a" },
      { op: "tag", key: "k", cmp: { by: "ew", text: "a" } },
    ],
    [
      { key: "k", cmp: "ct" },
      { op: "tag", key: "k", cmp: { by: "ct", text: "" } },
    ],
    [
      { key: "k", cmp: "in", vals: ["a"] },
      { op: "tag", key: "k", cmp: { by: "in", texts: ["a"] } },
    ],
    [
      { key: "k", cmp: "nin", vals: ["a"] },
      { op: "tag", key: "k", cmp: { by: "nin", texts: ["a"] } },
    ],
    [
      { op: "", key: "k", cmp: "ex" },
      { op: "tag", key: "k", cmp: { by: "ex" } },
    ],
    [
      { key: "k", cmp: "nex" },
      { op: "tag", key: "k", cmp: { by: "nex" } },
    ],
    [
      { key: "k", cmp: "lt", val: "1" },
      { op: "tag", key: "k", cmp: { by: "lt", number: 1 } },
    ],
    [
      { key: "k", cmp: "lte", val: "-1.5" },
      { op: "tag", key: "k", cmp: { by: "lte", number: -1.5 } },
    ],
    [
      { key: "k", cmp: "gt", val: "0" },
      { op: "tag", key: "k", cmp: { by: "gt", number: 0 } },
    ],
    [
      { key: "k", cmp: "gte", val: "1e2" },
      { op: "tag", key: "k", cmp: { by: "gte", number: 100 } },
    ],
  ])("reads the comparison %j", (node, filter) => {
    expect(decodeTagsFilter(node)).toEqual(filter);
  });

  test("reads and, or and not with what is in them", () => {
    const node = { op: "and", nodes: [LEAF, { op: "or", nodes: [{ op: "not", nodes: [LEAF] }] }] };
    const leaf = { op: "tag", key: "k", cmp: { by: "ex" } };
    expect<unknown>(decodeTagsFilter(node)).toEqual({
      op: "and",
      nodes: [leaf, { op: "or", nodes: [{ op: "not", node: leaf }] }],
    });
  });

  test("ignores fields it does not know", () => {
    expect(decodeTagsFilter({ ...LEAF, future: 1 })).toEqual(decodeTagsFilter(LEAF));
  });

  test.each<readonly [unknown, string]>([
    ["k = 1", "Cannot use tags filter"],
    [{}, "a comparison has no key"],
    [{ key: "k" }, 'the comparison of "k" has no cmp'],
    [{ key: "k", cmp: "like" }, "Cannot use tags filter"],
    [{ key: "k", cmp: "eq", val: 1 }, "Cannot use tags filter"],
    [{ key: "k", cmp: "in", vals: "a" }, "Cannot use tags filter"],
    [{ key: "k", cmp: "lt", val: "" }, '"k" is compared with "", wanted a number'],
    [{ key: "k", cmp: "gt", val: "0x10" }, '"k" is compared with "0x10", wanted a number'],
    [{ op: "xor", nodes: [LEAF] }, "Cannot use tags filter"],
    [{ op: "and" }, '"and" has no nodes'],
    [{ op: "not", nodes: [LEAF, LEAF] }, '"not" has more than one node'],
    [{ op: "or", nodes: [{ key: "" }] }, "a comparison has no key"],
  ])("refuses %j", (node, why) => {
    expect(() => decodeTagsFilter(node)).toThrow(Fault);
    expect(() => decodeTagsFilter(node)).toThrow(why);
  });

  test("refuses more nodes than one publication may cost", () => {
    const nodes = Array.from({ length: LIMITS.filterNodesMax - 1 }, () => LEAF);
    expect(decodeTagsFilter({ op: "or", nodes })).toMatchObject({ op: "or" });
    expect(() => decodeTagsFilter({ op: "or", nodes: [...nodes, LEAF] })).toThrow("at most 100");
  });
});
