import { expect, test } from "bun:test";
import { isLoopback } from "../../../src/core/loopback.ts";

test.each([
  ["localhost", true],
  ["127.0.0.1", true],
  ["127.1.2.3", true],
  ["::1", true],
  ["[::1]", true],
  ["0.0.0.0", false],
  ["127.0.0.1.example.com", false],
  ["localhost.example.com", false],
  ["10.0.0.1", false],
  ["", false],
])("isLoopback(%p) is %p", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
