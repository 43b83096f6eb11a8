import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import type { SubscribeResult } from "../../../src/protocol/server-frame.ts";
import { encodeResume, parseResume } from "../../../src/ws/resume.ts";

const A = parseChannel("device:a");
const B = parseChannel("device:b");

function subscribed(offset: number, more: Partial<SubscribeResult> = {}): SubscribeResult {
  const opened = { position: { epoch: "abcdefgh", offset }, publications: [] };
  return { recoverable: true, positioned: true, opened, ...more };
}

function textOf(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

describe("a resume value", () => {
  test("brings back where every channel stood, and fits into a URL", () => {
    const resume = encodeResume(
      new Map([
        [A, subscribed(7)],
        [B, subscribed(0)],
      ]),
    );
    expect(encodeURIComponent(resume)).toBe(resume);
    expect(parseResume(resume)).toEqual(
      new Map([
        ["device:a", { epoch: "abcdefgh", offset: 7 }],
        ["device:b", { epoch: "abcdefgh", offset: 0 }],
      ]),
    );
  });

  test("stands behind what the same answer brought", () => {
    const publications = [8, 9].map((offset) => ({ data: "1", offset, timeMs: 0 }));
    const opened = { position: { epoch: "abcdefgh", offset: 7 }, recovered: true, publications };
    const resume = encodeResume(new Map([[A, subscribed(7, { opened })]]));
    expect(parseResume(resume).get("device:a")).toEqual({ epoch: "abcdefgh", offset: 9 });
  });

  test("leaves out what cannot be recovered", () => {
    const resume = encodeResume(new Map([[A, subscribed(7, { recoverable: false })]]));
    expect(parseResume(resume)).toEqual(new Map());
  });
});

describe("parseResume()", () => {
  test.each([
    [""],
    ["%%%"],
    ["bm90IGpzb24"],
    [textOf({ a: 1 })],
    [textOf([1, null, "a", []])],
    [textOf([["a", "e", "7"]])],
    [textOf([["a", "e", 1.5]])],
    [textOf([["a", 5, 7]])],
    [textOf([[5, "e", 7]])],
  ])("finds nothing in %j", (text) => {
    expect(parseResume(text)).toEqual(new Map());
  });

  test("keeps what is right beside what is not", () => {
    const positions = parseResume(
      textOf([
        ["a", "e", "7"],
        ["b", "e", 8],
      ]),
    );
    expect(positions).toEqual(new Map([["b", { epoch: "e", offset: 8 }]]));
  });
});
