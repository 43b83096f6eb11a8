import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { applyDelta } from "fossil-delta";
import type { Publication } from "../../../src/core/publication.ts";
import type { SentPublication } from "../../../src/protocol/server-frame.ts";
import { asChain, asDifference, asWhole } from "../../../src/ws/delta.ts";

const encoder = new TextEncoder();

function publication(data: string, offset = 1): Publication {
  return { data, offset, timeMs: 0 };
}

/** What a client makes of it: bytes, so that nothing hides behind decoding. */
function received(sent: SentPublication, previous: Uint8Array): Uint8Array {
  const bytes = encoder.encode(JSON.parse(sent.data));
  return sent.delta ? Uint8Array.from(applyDelta(previous, bytes)) : bytes;
}

function difference(before: string, after: string): SentPublication {
  return asDifference(publication(before, 1), publication(after, 2));
}

describe("asWhole()", () => {
  test("makes a JSON string of the payload's text, and changes nothing else", () => {
    const data = '{"2":1.0,"1":9007199254740993, "text":"ü\\n"}';
    const whole = asWhole({ ...publication(data), tags: { k: "v" }, info: "{}" });
    expect(JSON.parse(whole.data)).toBe(data);
    expect(whole).toMatchObject({ offset: 1, tags: { k: "v" }, info: "{}" });
    expect(whole.delta).toBeUndefined();
  });
});

describe("asDifference()", () => {
  test("is shorter than what it stands for, and brings it back", () => {
    const before = `{"list":"${"abcdefgh".repeat(20)}","n":1}`;
    const after = `{"list":"${"abcdefgh".repeat(20)}","n":2}`;
    const sent = difference(before, after);
    expect(sent.delta).toBe(true);
    expect(sent.data.length).toBeLessThan(after.length);
    expect(received(sent, encoder.encode(before))).toEqual(encoder.encode(after));
  });

  test.each([
    ["has nothing in common with what was before", "1", `"${"y".repeat(50)}"`],
    ["is short", '"a long one that was there before"', "7"],
    ["comes after nothing", '""', '"text"'],
  ])("is whole when the publication %s", (_, before, after) => {
    const sent = difference(before, after);
    expect(sent.delta).toBeUndefined();
    expect(JSON.parse(sent.data)).toBe(after);
  });

  test("is whole when it would cut through a character", () => {
    // Both share all bytes but the last one of a character of three: é is c3 a9, ê is c3 aa.
    const shared = "z".repeat(40);
    const sent = difference(`"${shared}é${shared}"`, `"${shared}ê${shared}"`);
    const cut = encoder.encode(`"${shared}ê${shared}"`);
    expect(received(sent, encoder.encode(`"${shared}é${shared}"`))).toEqual(cut);
    expect(sent.data).not.toContain("\\ufffd");
    expect(sent.data).not.toContain("\ufffd");
  });

  test("brings back every payload byte for byte", () => {
    const piece = fc.constantFrom(
      "中",
      "é",
      "ê",
      "😀",
      "ab",
      '\\"',
      "{",
      "한국",
      "\\u0000",
      "z".repeat(20),
    );
    const text = fc.array(piece, { maxLength: 30 }).map((pieces) => `"${pieces.join("")}"`);
    const property = fc.property(text, text, (before, after) => {
      const sent = difference(before, after);
      expect(received(sent, encoder.encode(before))).toEqual(encoder.encode(after));
    });
    fc.assert(property, { numRuns: 500 });
  });
});

describe("asChain()", () => {
  test("begins whole and goes on with differences to the one before", () => {
    const texts = ["1", "2", "3"].map((n) => `"${"abcdefgh".repeat(10)}${n}"`);
    const chain = asChain(texts.map((text, index) => publication(text, index + 1)));
    expect(chain.map(({ delta }) => delta)).toEqual([undefined, true, true]);
    let previous: Uint8Array = new Uint8Array();
    for (const [index, sent] of chain.entries()) {
      previous = received(sent, previous);
      expect(new TextDecoder().decode(previous)).toBe(texts[index] ?? "none");
    }
  });

  test("of nothing is nothing", () => {
    expect(asChain([])).toEqual([]);
  });
});
