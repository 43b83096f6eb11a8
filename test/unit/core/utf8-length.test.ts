import { expect, test } from "bun:test";
import { utf8Length } from "../../../src/core/utf8-length.ts";

test.each(["", "plain", "é", "汉字", "😀 mixed é 汉"])(
  "utf8Length() of %j is that of its bytes",
  (text) => {
    expect(utf8Length(text)).toBe(new TextEncoder().encode(text).byteLength);
  },
);
