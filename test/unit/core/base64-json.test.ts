import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { decodeBase64Json } from "../../../src/core/base64-json.ts";

const encoded = (content: string | readonly number[]) =>
  Buffer.from(content as string).toString("base64");

describe("decodeBase64Json()", () => {
  test.each(['{"b": 1.0,\n"a":"é😀"}', "null", '"%41%"', "12345678901234567890"])(
    "gives %j back as it was written",
    (text) => {
      expect(decodeBase64Json(encoded(text))).toBe(text);
    },
  );

  test.each([
    ["nothing", ""],
    ["no base64", "{}"],
    ["no JSON", encoded("canary")],
    ["a byte that is no UTF-8", encoded([0x22, 0xff, 0x22])],
    ["half a character", encoded([0x22, 0xc3, 0x22])],
    ["half a surrogate pair", encoded([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ])("throws a SyntaxError for %s", (_, base64) => {
    expect(() => decodeBase64Json(base64)).toThrow(SyntaxError);
  });
});
