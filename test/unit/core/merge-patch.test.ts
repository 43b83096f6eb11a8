import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LIMITS } from "../../../src/core/limits.ts";
import { difference, mergePatch } from "../../../src/core/merge-patch.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** RFC 7396 §2, word for word, on parsed values. */
function mergeModel(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const members = new Map<string, Json>(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) members.delete(name);
    else members.set(name, mergeModel(members.get(name), value));
  }
  return Object.fromEntries(members);
}

/** Few keys, so that targets and patches meet; deep enough to recurse. */
const anyDocument: fc.Arbitrary<Json> = fc.letrec<{ node: Json }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom<Json>(null, true, 0, 1, -1.5, "", "a", [], {}),
    fc.array(tie("node"), { maxLength: 2 }),
    fc
      .uniqueArray(
        fc.tuple(fc.constantFrom("a", "b", "c", "1", "__proto__", "x/ä\n\"'"), tie("node")),
        { maxLength: 4, selector: ([key]) => key },
      )
      .map((members) => Object.fromEntries(members)),
  ),
})).node;

/** Without null members, which no document has that came from merge patches. */
const anyState = anyDocument.map((document) => mergeModel({}, document));

describe("mergePatch()", () => {
  /** RFC 7396, appendix A. */
  test.each([
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', "{}"],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', "null", "null"],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
    ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ])("turns %s by %s into %s", (target, patch, result) => {
    expect(mergePatch(target, patch)).toBe(result);
  });

  test.each([
    {
      what: "numbers",
      target: '{"a":9007199254740993,"b":1.0}',
      patch: '{"c":1e2}',
      result: '{"a":9007199254740993,"b":1.0,"c":1e2}',
    },
    {
      what: "order of keys",
      target: '{"b":1,"9":2,"1":3}',
      patch: '{"9":4}',
      result: '{"b":1,"9":4,"1":3}',
    },
    {
      what: "spelling of keys",
      target: '{"d\\u0061ta":1,"x":1}',
      patch: '{"data":2,"a\\/b":3}',
      result: '{"d\\u0061ta":2,"x":1,"a\\/b":3}',
    },
    {
      what: "white space in values",
      target: ' { "a" : { "x" : 1 } } ',
      patch: ' { "b" : [ 1 , 2 ] } ',
      result: '{"a":{ "x" : 1 },"b":[ 1 , 2 ]}',
    },
    {
      what: "nulls in arrays",
      target: "{}",
      patch: '{"a":[null,{"b":null}]}',
      result: '{"a":[null,{"b":null}]}',
    },
  ])("keeps the $what", ({ target, patch, result }) => {
    expect(mergePatch(target, patch)).toBe(result);
  });

  test("says the same as the algorithm of the RFC", () => {
    fc.assert(
      fc.property(anyDocument, anyDocument, fc.nat(3), (target, patch, indent) => {
        const text = mergePatch(JSON.stringify(target), JSON.stringify(patch, null, indent));
        expect(JSON.parse(text)).toEqual(mergeModel(target, patch));
      }),
    );
  });

  test("changes nothing more when it is done again", () => {
    fc.assert(
      fc.property(anyDocument, anyDocument, (target, patch) => {
        const once = mergePatch(JSON.stringify(target), JSON.stringify(patch));
        expect(mergePatch(once, JSON.stringify(patch))).toBe(once);
      }),
    );
  });

  test("refuses what is nested too deep, wherever", () => {
    const deep = (open: string, close: string, depth: number) =>
      `${open.repeat(depth)}1${close.repeat(depth)}`;
    expect(mergePatch("{}", deep('{"a":', "}", LIMITS.stateDepthMax))).toContain("1");
    for (const text of [
      deep('{"a":', "}", LIMITS.stateDepthMax + 1),
      `{"a":${deep("[", "]", LIMITS.stateDepthMax)}}`,
      deep('{"a":', "}", 200_000),
    ]) {
      expect(() => mergePatch("{}", text)).toThrow(
        expect.objectContaining({ code: "state_invalid" }),
      );
    }
  });
});

describe("difference()", () => {
  test.each([
    ["{}", "{}", undefined],
    ['{"a":1}', "{}", undefined],
    ['{"a":1,"b":2}', '{"a":1}', undefined],
    ['{"a":1}', '{"a":1.0}', undefined],
    ['{"a":"/"}', '{"a":"\\/"}', undefined],
    ['{"a":{"x":1,"y":2}}', '{"a":{"y":2}}', undefined],
    ['{"a":[1,{"x":1,"y":2}]}', '{"a":[1.0,{"y":2,"x":1}]}', undefined],
    ["{}", '{"a":null}', undefined],
    ['{"a":1}', '{"a":null}', '{"a":null}'],
    ["{}", '{"a":1.0}', '{"a":1.0}'],
    ['{"a":9007199254740992}', '{"a":9007199254740993}', '{"a":9007199254740993}'],
    ['{"a":{"x":1,"y":2}}', '{"a":{"x":2,"y":2}}', '{"a":{"x":2}}'],
    ['{"a":[1,2]}', '{"a":[2,1]}', '{"a":[2,1]}'],
    ['{"a":1}', '{"a":{}}', '{"a":{}}'],
    ['{"a":{}}', '{"a":1}', '{"a":1}'],
    ['{"b":1}', '{"b":2,"1":{"x":[ ]},"a":3}', '{"b":2,"1":{"x":[ ]},"a":3}'],
  ])("from %s to %s is %s", (reported, desired, patch) => {
    expect(difference(reported, desired)).toBe(patch as string);
  });

  test("is what is left to do: nothing, once it was merged", () => {
    fc.assert(
      fc.property(anyState, anyState, (reported, desired) => {
        const [from, to] = [JSON.stringify(reported), JSON.stringify(desired)];
        const patch = difference(from, to);
        const reached = patch === undefined ? from : mergePatch(from, patch);
        expect(difference(reached, to)).toBeUndefined();
      }),
    );
  });

  test("is no more than the desired document itself would change", () => {
    fc.assert(
      fc.property(anyState, anyState, (reported, desired) => {
        const [from, to] = [JSON.stringify(reported), JSON.stringify(desired)];
        const patch = difference(from, to);
        const reached = patch === undefined ? reported : mergeModel(reported, JSON.parse(patch));
        expect(reached).toEqual(mergeModel(reported, desired));
      }),
    );
  });
});
