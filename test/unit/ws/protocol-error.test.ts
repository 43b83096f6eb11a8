import { describe, expect, test } from "bun:test";
import { Fault, type FaultCode } from "../../../src/core/faults.ts";
import { Refusal, toProtocolError } from "../../../src/ws/protocol-error.ts";

describe("toProtocolError()", () => {
  test.each<readonly [FaultCode, number]>([
    ["store_failed", 100],
    ["token_invalid", 103],
    ["channel_unknown", 102],
    ["channel_denied", 103],
    ["method_unknown", 104],
    ["channel_taken", 105],
    ["channels_exceeded", 106],
    ["data_missing", 107],
    ["feature_unavailable", 108],
    ["method_unavailable", 108],
    ["token_expired", 109],
    ["store_busy", 111],
    ["position_unrecoverable", 112],
  ])("answers %s with %d", (code, answered) => {
    expect(toProtocolError(new Fault(code)).code).toBe(answered);
  });

  test.each<readonly [FaultCode, boolean]>([
    ["store_failed", true],
    ["store_busy", true],
    ["channel_denied", false],
  ])("says of %s whether it may pass: %p", (code, isTemporary) => {
    expect(toProtocolError(new Fault(code)).temporary ?? false).toBe(isTemporary);
  });

  test("leaves a refusal in its own words", () => {
    const error = { code: 1500, message: "not today" };
    expect(toProtocolError(new Refusal(error))).toEqual(error);
  });

  test("says nothing of a bug", () => {
    expect(toProtocolError(new Error("canary"))).toEqual({
      code: 100,
      message: "internal server error",
      temporary: true,
    });
  });
});
