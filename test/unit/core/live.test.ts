import { describe, expect, test } from "bun:test";
import { livePart, liveRecord } from "../../../src/core/live.ts";

interface Limits {
  readonly frames: number;
  readonly name: string;
}

function holder() {
  const source: { current: { readonly limits: Limits } } = {
    current: { limits: { frames: 1, name: "first" } },
  };
  return { source, limits: liveRecord(livePart(source, (it) => it.limits)) };
}

describe("livePart()", () => {
  test("is the part of what is current now", () => {
    const source = { current: { keys: ["a"] } };
    const part = livePart(source, ({ keys }) => keys);
    source.current = { keys: ["b"] };
    expect(part.current).toEqual(["b"]);
  });
});

describe("liveRecord()", () => {
  test("has the members of what is current now", () => {
    const { source, limits } = holder();
    source.current = { limits: { frames: 2, name: "second" } };
    expect(limits.frames).toBe(2);
    expect({ ...limits }).toEqual({ frames: 2, name: "second" });
  });

  test("changes nothing in a copy that was made before", () => {
    const { source, limits } = holder();
    const copy = { ...limits };
    source.current = { limits: { frames: 2, name: "second" } };
    expect(copy).toEqual({ frames: 1, name: "first" });
  });

  test("crosses to another thread as the plain record that it is then", () => {
    const { source, limits } = holder();
    source.current = { limits: { frames: 2, name: "second" } };
    expect(structuredClone(limits)).toEqual({ frames: 2, name: "second" });
  });
});
