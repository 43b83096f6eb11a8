import { expect, test } from "bun:test";
import { fingerprintOf } from "../../../src/runtime/fingerprint.ts";

test("fingerprintOf() is the first half of SHA-256, whatever process makes it", () => {
  expect(fingerprintOf("abc")).toBe("ungWv48Bz-pBQUDeXa4iIw");
  expect(fingerprintOf("abd")).not.toBe(fingerprintOf("abc"));
});
