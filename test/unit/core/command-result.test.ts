import { describe, expect, test } from "bun:test";
import {
  type CommandResult,
  encodeResult,
  missingResult,
} from "../../../src/core/command-result.ts";
import { LIMITS } from "../../../src/core/limits.ts";

describe("encodeResult()", () => {
  test.each<[CommandResult, string]>([
    [{ ok: true }, '{"ok":true}'],
    [
      { ok: true, data: '{"n":9007199254740993,"x":1.0}' },
      '{"ok":true,"data":{"n":9007199254740993,"x":1.0}}',
    ],
    [
      { ok: false, error: { code: "jammed", message: 'the "door"' } },
      '{"ok":false,"error":{"code":"jammed","message":"the \\"door\\""}}',
    ],
  ])("writes %j", (result, text) => {
    expect(encodeResult(result)).toEqual({ ok: result.ok, text });
  });

  test.each<[string, CommandResult]>([
    ["data", { ok: true, data: `"${"d".repeat(LIMITS.eventMaxBytes)}"` }],
    ["data in bytes", { ok: true, data: `"${"é".repeat(LIMITS.eventMaxBytes / 2)}"` }],
    [
      "an error code",
      { ok: false, error: { code: "c".repeat(LIMITS.resultCodeMaxChars + 1), message: "" } },
    ],
    [
      "an error message",
      { ok: false, error: { code: "c", message: "m".repeat(LIMITS.resultMessageMaxChars + 1) } },
    ],
  ])("refuses %s that is too long", (_, result) => {
    expect(() => encodeResult(result)).toThrow(expect.objectContaining({ code: "result_invalid" }));
  });
});

test("missingResult() says by its code that no device sent it", () => {
  const { ok, text } = missingResult();
  expect(ok).toBe(false);
  expect(JSON.parse(text)).toMatchObject({ ok: false, error: { code: "result_missing" } });
});
