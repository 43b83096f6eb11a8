import { describe, expect, test } from "bun:test";
import { decodeEmulationRequest } from "../../../src/protocol/emulation-request.ts";

describe("decodeEmulationRequest()", () => {
  test("gives the frame and whose it is, whatever else is there", () => {
    const request = { session: "s", node: "n", data: '{"id":1}\n{}' };
    expect(decodeEmulationRequest(JSON.stringify({ ...request, more: 1 }))).toEqual(request);
  });

  test.each([
    "",
    "nonsense",
    "null",
    "[]",
    '{"node":"n","data":"{}"}',
    '{"session":"","node":"n","data":"{}"}',
    '{"session":"s","data":"{}"}',
    '{"session":"s","node":"n"}',
    '{"session":"s","node":"n","data":{}}',
  ])("refuses %j", (text) => {
    expect(() => decodeEmulationRequest(text)).toThrow("Cannot parse body");
  });
});
