import { describe, expect, test } from "bun:test";
import { load, problemsWith } from "./sources.ts";

const KEYS = ["0123456789abcdef", "fedcba9876543210"] as const;
const [FIRST] = KEYS;

describe("api.keys", () => {
  test("is read from a file", () => {
    expect(load({ toml: `[api]\nkeys = ${JSON.stringify(KEYS)}` }).api).toEqual({ keys: KEYS });
  });

  test("is read from a variable, with commas between the keys", () => {
    const env = { POSTHORN_API__KEYS: ` ${KEYS.join(" , ")},` };
    expect(load({ env }).api).toEqual({ keys: KEYS });
  });

  test.each([
    ["short", ["0123456789abcde"]],
    ["beside a good one", [FIRST, "short-canary"]],
    ["with a space in it", ["0123456789 abcdef"]],
    ["empty", [""]],
  ])("refuses a key that is %s, says which, and does not show it", (_, keys) => {
    const [problem = "", ...others] = problemsWith({
      toml: `[api]\nkeys = ${JSON.stringify(keys)}`,
    });
    expect(problem).toStartWith(
      `api.keys (posthorn.toml:2): got a text of ${keys.at(-1)?.length} characters as item ${keys.length}, wanted a list of texts of at least 16 characters`,
    );
    expect(problem).not.toContain("canary");
    expect(others).toEqual([]);
  });

  test("may be short where that is asked for, but never empty", () => {
    const short = '[api]\nallow_short_keys = true\nkeys = ["short"]';
    expect(load({ toml: short }).api).toEqual({ keys: ["short"] });
    expect(problemsWith({ toml: short.replace('short"', '"') })).toHaveLength(1);
  });

  test("refuses a single key that is no list, without showing it", () => {
    const [problem] = problemsWith({ toml: '[api]\nkeys = "canary-canary-canary"' });
    expect(problem).toContain("got a text of 20 characters, wanted a list");
  });
});

describe("a list of texts", () => {
  test("is what a wrong item of it is reported for", () => {
    const [problem] = problemsWith({ toml: '[callbacks]\nheaders = ["Cookie", "Host"]' });
    expect(problem).toStartWith(
      'callbacks.headers (posthorn.toml:2): got "Host" as item 2, wanted',
    );
  });
});
