import { describe, expect, test } from "bun:test";
import { createApiKeys } from "../../../src/auth/api-keys.ts";

describe("createApiKeys()", () => {
  const keys = createApiKeys(["first-key-0123456789", "second-key-0123456789"]);

  test.each(["first-key-0123456789", "second-key-0123456789"])("knows %s", (key) => {
    expect(keys.matches(key)).toBe(true);
  });

  test.each(["", "first-key-012345678", "first-key-01234567890", "FIRST-KEY-0123456789", "日本"])(
    "does not know %j",
    (key) => {
      expect(keys.matches(key)).toBe(false);
    },
  );

  test("knows none where there are none, not even the empty one", () => {
    expect(createApiKeys([]).matches("")).toBe(false);
  });
});
