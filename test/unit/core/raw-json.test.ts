import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { onOneLine, rawAt, rawElements, rawMembers } from "../../../src/core/raw-json.ts";

describe("rawMembers()", () => {
  test.each([
    ["big integers", '{"a":9007199254740993,"b":1.0}', { a: "9007199254740993", b: "1.0" }],
    ["odd key order", '{"b":{"2":1,"1":2}}', { b: '{"2":1,"1":2}' }],
    ["white space", ' {\n "a" :\t[ 1 , 2 ] } ', { a: "[ 1 , 2 ]" }],
    ["quotes and braces in text", '{"a":"}\\"]{","b":true}', { a: '"}\\"]{"', b: "true" }],
    ["text that ends in a backslash", '{"a":"x\\\\","b":null}', { a: '"x\\\\"', b: "null" }],
    ["keys with escapes", '{"d\\u0061ta":1}', { data: "1" }],
    ["the last of equal keys", '{"a":1,"a":2}', { a: "2" }],
    ["an empty object", "{}", {}],
    ["line separators and emoji", '{"a":"\u2028🙂"}', { a: '"\u2028🙂"' }],
  ])("keeps %s", (_, text, members) => {
    expect(Object.fromEntries(rawMembers(text))).toEqual(members);
  });

  test("finds in any object what JSON.parse finds", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(4), (object, indent) => {
        const text = JSON.stringify(object, null, indent);
        const parsed = [...rawMembers(text)].map(([key, raw]) => [key, JSON.parse(raw)]);
        expect(Object.fromEntries(parsed)).toEqual(JSON.parse(text));
      }),
    );
  });
});

describe("rawElements()", () => {
  test("finds in any array what JSON.parse finds", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.nat(4), (array, indent) => {
        const text = JSON.stringify(array, null, indent);
        expect(rawElements(text).map((raw) => JSON.parse(raw))).toEqual(JSON.parse(text));
      }),
    );
  });

  test("keeps each element's text", () => {
    expect(rawElements(' [ 1.0, {"a": [2]} ,"x,]" ] ')).toEqual(["1.0", '{"a": [2]}', '"x,]"']);
  });
});

describe("rawAt()", () => {
  test("follows a path", () => {
    expect(rawAt('{"rpc":{"method":"m","data":{"n":1.0}}}', ["rpc", "data"])).toBe('{"n":1.0}');
  });

  test.each([['{"rpc":{}}'], ['{"rpc":null}'], ['{"other":1}'], ['{"rpc":"data"}']])(
    "is undefined when %s has nothing there",
    (text) => {
      expect(rawAt(text, ["rpc", "data"])).toBeUndefined();
    },
  );
});

describe("onOneLine()", () => {
  test("drops raw line breaks and nothing else", () => {
    expect(onOneLine('{\r\n  "a": "b\\n\u2028"\n}')).toBe('{  "a": "b\\n\u2028"}');
  });
});
