import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/core/faults.ts";
import { parseJson } from "../../../src/protocol/json-body.ts";

function refusalOf(text: string): Fault {
  try {
    parseJson(text);
  } catch (error) {
    if (error instanceof Fault) return error;
  }
  throw new Error("it was not refused");
}

describe("parseJson()", () => {
  test("gives what the text says", () => {
    expect(parseJson('{"a":[1,"x"]}')).toEqual({ a: [1, "x"] });
  });

  test("says that there is nothing", () => {
    expect(refusalOf(" \n").detail).toBe("it is empty");
  });

  test.each([
    "canary-key-0123456789",
    '{"key": canary}',
    '{"key":"canary',
    "{'key':'canary'}",
    '{"key":"a",canary',
  ])("never repeats what it was given: %s", (text) => {
    const fault = refusalOf(text);
    expect(fault.detail).toStartWith("it is not JSON");
    expect(`${fault.message} ${fault.stack} ${String(fault.cause)}`).not.toContain("canary");
  });
});
