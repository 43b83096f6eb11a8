import { describe, expect, test } from "bun:test";
import { z } from "zod";
import { createSchemaBook } from "../../../src/openapi/schema-book.ts";

const Slot = z.strictObject({ number: z.int() });
const Rack = z.strictObject({ slots: z.array(Slot) });
const Unnamed = z.union([Rack, z.array(Rack)]);

function book(io: "input" | "output") {
  return createSchemaBook({ named: { Slot, Rack }, others: [Unnamed, Rack], io });
}

describe("createSchemaBook()", () => {
  test("refers to what has a name, also within another", () => {
    const { components, show } = book("input");
    expect(show(Rack)).toEqual({ $ref: "#/components/schemas/Rack" });
    expect(components["Rack"]).toEqual({
      type: "object",
      properties: { slots: { type: "array", items: { $ref: "#/components/schemas/Slot" } } },
      required: ["slots"],
      additionalProperties: false,
    });
  });

  test("shows what has no name in its place", () => {
    const { components, show } = book("input");
    const rack = { $ref: "#/components/schemas/Rack" };
    expect(show(Unnamed)).toEqual({ anyOf: [rack, { type: "array", items: rack }] });
    expect(Object.keys(components)).toEqual(["Slot", "Rack"]);
  });

  test("says of answers that they may have more members", () => {
    expect(book("output").components["Slot"]).toEqual({
      type: "object",
      properties: { number: { type: "integer" } },
      required: ["number"],
    });
  });

  test("throws for a schema that it was not told of", () => {
    expect(() => book("input").show(z.string())).toThrow("Cannot show schema");
  });
});
