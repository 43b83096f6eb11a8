import { describe, expect, test } from "bun:test";
import { encodeWakeHint } from "../../../src/core/wake-hint.ts";

describe("encodeWakeHint()", () => {
  test("says how much waits and what comes first", () => {
    const hint = { pending: 3, command: "019b-7f.a:b_C" };
    expect(encodeWakeHint(hint)).toBe('{"t":"wake","n":3,"cmd":"019b-7f.a:b_C"}');
    expect(encodeWakeHint({ pending: 1 })).toBe('{"t":"wake","n":1}');
  });

  test("stays below 200 bytes with the longest id and the largest number there are", () => {
    const text = encodeWakeHint({ pending: Number.MAX_SAFE_INTEGER, command: "c".repeat(128) });
    expect(text).toContain("cccc");
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(200);
  });

  test.each(["c".repeat(129), "", "命令", 'a"b', "a b"])("leaves out the id %j", (command) => {
    expect(encodeWakeHint({ pending: 1, command })).toBe('{"t":"wake","n":1}');
  });
});
