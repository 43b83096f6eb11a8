import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/core/faults.ts";
import { decodeCommandResult, decodeSentCommand } from "../../../src/protocol/command-body.ts";

function faultOf(work: () => unknown): Fault {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("Cannot find the fault: there was none");
}

describe("decodeSentCommand()", () => {
  test("takes a type alone, whose data is null", () => {
    expect(decodeSentCommand('{"type":"open"}')).toEqual({ type: "open", data: "null", waitMs: 0 });
  });

  test("turns seconds into milliseconds and keeps the data as it was written", () => {
    const text =
      '{"type":"open","data":{"b":1.0,\n"a":12345678901234567890},"ttl":60,"key":"k","priority":9,"max_attempts":3,"wait":0.25}';
    expect(decodeSentCommand(text)).toEqual({
      type: "open",
      data: '{"b":1.0,"a":12345678901234567890}',
      ttlMs: 60_000,
      key: "k",
      priority: 9,
      maxAttempts: 3,
      waitMs: 250,
    });
  });

  test.each([
    ["surprise", '{"type":"a","surprise":1}'],
    ["type", "{}"],
    ["type", '{"type":"a\\nb"}'],
    ["type", '{"type":"\\ud800"}'],
    ["ttl", '{"type":"a","ttl":1.5}'],
    ["ttl", '{"type":"a","ttl":9999999}'],
    ["key", '{"type":"a","key":""}'],
    ["priority", '{"type":"a","priority":-1}'],
    ["max_attempts", '{"type":"a","max_attempts":0}'],
    ["max_attempts", '{"type":"a","max_attempts":101}'],
    ["wait", '{"type":"a","wait":50.1}'],
    ["wait", '{"type":"a","wait":"1"}'],
    ["whole", "[]"],
    ["whole", "null"],
  ])("names what it cannot use: %s in %s", (word, text) => {
    const { code, detail } = faultOf(() => decodeSentCommand(text));
    expect(code).toBe("command_invalid");
    expect(detail).toContain(word);
  });

  test.each(["", "{", "nonsense"])("refuses what is no JSON: %p", (text) => {
    expect(faultOf(() => decodeSentCommand(text)).code).toBe("body_malformed");
  });
});

describe("decodeCommandResult()", () => {
  test.each([
    ['{"ok":true}', { ok: true }],
    ['{"ok":true,"data":null}', { ok: true, data: "null" }],
    ['{"ok":true,"data":{"z":1.0}}', { ok: true, data: '{"z":1.0}' }],
    [
      '{"ok":false,"error":{"code":"jam","message":"stuck"}}',
      { ok: false, error: { code: "jam", message: "stuck" } },
    ],
  ] as const)("takes %s", (text, result) => {
    expect(decodeCommandResult(text)).toEqual(result);
  });

  test.each([
    "{}",
    '{"ok":1}',
    '{"ok":true,"error":{}}',
    '{"ok":false}',
    '{"ok":false,"error":{"code":"a"}}',
    '{"ok":false,"error":{"code":"a","message":"b","more":1}}',
    `{"ok":false,"error":{"code":"${"a".repeat(129)}","message":""}}`,
  ])("refuses %s", (text) => {
    expect(faultOf(() => decodeCommandResult(text)).code).toBe("result_invalid");
  });
});
