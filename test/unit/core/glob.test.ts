import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/core/faults.ts";
import { parseGlob } from "../../../src/core/glob.ts";

describe("parseGlob()", () => {
  test.each<readonly [string, string, boolean]>([
    ["news", "news", true],
    ["news", "news1", false],
    ["news", "new", false],
    ["*", "", true],
    ["*", "a:b/c.d", true],
    ["device:*", "device:42", true],
    ["device:*", "devices:42", false],
    ["*:42", "device:42", true],
    ["*:42", "device:421", false],
    ["a*b*c", "a1b2b3c", true],
    ["a*b*c", "a1b2b3", false],
    ["a**c", "abc", true],
    ["?", "a", true],
    ["?", "", false],
    ["?", "ab", false],
    ["room-[0-9]", "room-7", true],
    ["room-[0-9]", "room-x", false],
    ["room-[!0-9]", "room-x", true],
    ["room-[^0-9]", "room-7", false],
    ["[abc]", "b", true],
    ["[]]", "]", true],
    ["[a-]", "-", true],
    ["[\\]a]", "]", true],
    ["{news,chat}:*", "chat:1", true],
    ["{news,chat}:*", "room:1", false],
    ["a{,b}", "a", true],
    ["{a,{b,c}d}", "cd", true],
    ["{a,{b,c}d}", "ad", false],
    ["[{,}]", ",", true],
    ["}", "}", true],
    ["a,b", "a,b", true],
    ["\\*", "*", true],
    ["\\*", "x", false],
    ["\\{a\\}", "{a}", true],
    ["", "", true],
    ["", "a", false],
  ])("of %j takes %j: %p", (pattern, text, expected) => {
    expect(parseGlob(pattern)(text)).toBe(expected);
  });

  test.each([
    ["[abc", "a [ is not closed"],
    ["[]", "a [ is not closed"],
    ["{a,b", "a { is not closed"],
    ["{a,{b}", "a { is not closed"],
    ["a\\", "nothing follows the last backslash"],
    ["x".repeat(256), "got 256 characters, wanted at most 255"],
    ["{a,b}".repeat(7), "its braces stand for more than 64 texts"],
  ])("refuses %j", (pattern, detail) => {
    const parse = () => parseGlob(pattern);
    expect(parse).toThrow(new Fault("glob_malformed", { detail }));
  });

  test("needs no more steps than pattern times text, so that no pattern can hold the server", () => {
    const text = "a".repeat(255);
    const glob = parseGlob(`${"a*".repeat(127)}b`);
    const startedMs = performance.now();
    expect(glob(text)).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });
});
