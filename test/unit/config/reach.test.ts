import { describe, expect, test } from "bun:test";
import { namesIn } from "../../../src/config/keys.ts";
import { REACH } from "../../../src/config/reach.ts";
import { NAMED_SECTIONS, SECTIONS } from "../../../src/config/schema.ts";

describe("REACH", () => {
  test("has every section of the schema", () => {
    expect(Object.keys(REACH).toSorted()).toEqual(namesIn([]).toSorted());
  });

  test.each(Object.keys(SECTIONS) as (keyof typeof SECTIONS)[])(
    "says of every key of [%s] whether a running server takes it over",
    (section) => {
      expect(Object.keys(REACH[section]).toSorted()).toEqual(namesIn([section]).toSorted());
    },
  );

  test.each(Object.keys(NAMED_SECTIONS) as (keyof typeof NAMED_SECTIONS)[])(
    "has one answer for the tables of [%s.<name>]",
    (section) => {
      expect(["live", "restart"]).toContain(REACH[section]);
    },
  );
});
