import { expect, test } from "bun:test";
import { resultFrom } from "../../../src/ws/backend-answer.ts";
import { Disconnection, Refusal } from "../../../src/ws/protocol-error.ts";

test("resultFrom() gives the result", () => {
  expect(resultFrom({ result: { data: "1" } })).toEqual({ data: "1" });
});

test("resultFrom() throws the backend's error in its own words", () => {
  const error = { code: 1999, message: "not today", temporary: true };
  expect(() => resultFrom({ error })).toThrow(new Refusal(error));
});

test("resultFrom() throws the backend's disconnect", () => {
  const disconnect = { code: 4000, reason: "go away" };
  expect(() => resultFrom({ disconnect })).toThrow(new Disconnection(disconnect));
});
