import { describe, expect, test } from "bun:test";
import { parseTraceContext, traceIdOf, traceTags } from "../../../src/core/trace-context.ts";

const ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const GOOD = `00-${ID}-00f067aa0ba902b7-01`;

describe("parseTraceContext()", () => {
  test.each([
    ["the example of the recommendation", GOOD],
    ["flags that are not known yet", `00-${ID}-00f067aa0ba902b7-ff`],
    ["a later version that has more", `01-${ID}-00f067aa0ba902b7-01-more`],
  ])("takes %s", (_, traceparent) => {
    expect(parseTraceContext(traceparent, undefined)).toEqual({ traceparent });
  });

  test.each([
    ["nothing", undefined],
    ["an empty header", ""],
    ["version ff", `ff-${ID}-00f067aa0ba902b7-01`],
    ["version 00 with more behind it", `${GOOD}-more`],
    ["a later version with more that is not set off", `01-${ID}-00f067aa0ba902b7-01more`],
    ["capitals", GOOD.toUpperCase()],
    ["a trace id of zeros", `00-${"0".repeat(32)}-00f067aa0ba902b7-01`],
    ["a parent id of zeros", `00-${ID}-${"0".repeat(16)}-01`],
    ["a trace id that is too short", `00-${ID.slice(1)}-00f067aa0ba902b7-01`],
    ["a later version without end", `01-${ID}-00f067aa0ba902b7-01-${"x".repeat(200)}`],
    ["two headers in one", `${GOOD}, ${GOOD}`],
  ])("ignores %s", (_, traceparent) => {
    expect(parseTraceContext(traceparent, "a=1")).toBeUndefined();
  });

  test("keeps a tracestate, and leaves out one that is too long or no printable ASCII", () => {
    expect(parseTraceContext(GOOD, "a=1,b=2")).toEqual({
      traceparent: GOOD,
      tracestate: "a=1,b=2",
    });
    for (const bad of ["", "x".repeat(513), "a=\u0007", "a=é"]) {
      expect(parseTraceContext(GOOD, bad)).toEqual({ traceparent: GOOD });
    }
  });
});

test("traceIdOf() and traceTags() tell what it is known by, and nothing of who sent it", () => {
  const trace = { traceparent: GOOD, tracestate: "vendor=secret" };
  expect(traceIdOf(trace)).toBe(ID);
  expect(traceTags(trace)).toEqual({ traceparent: GOOD });
  expect(traceTags(undefined)).toBeUndefined();
});
