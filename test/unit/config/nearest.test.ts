import { describe, expect, test } from "bun:test";
import { nearest } from "../../../src/config/nearest.ts";

describe("nearest()", () => {
  test.each([
    ["sevre", "serve"],
    ["prot", "port"],
    ["histroy_size", "history_size"],
    ["port", "port"],
  ])("finds for %s the word %s", (word, wanted) => {
    expect(nearest(word, ["serve", "port", "history_size"])).toBe(wanted);
  });

  test("finds nothing for a word that is like none", () => {
    expect(nearest("banana", ["serve", "port"])).toBeUndefined();
    expect(nearest("serve", [])).toBeUndefined();
  });
});
