import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/core/faults.ts";
import { type LineWindow, lineWindows } from "../../../src/http/line-windows.ts";

const LIMITS = { lineMaxBytes: 10, linesMax: 3, charsMax: 20 };

async function* chunksOf(...texts: readonly (string | Uint8Array | Error)[]) {
  for (const it of texts) {
    if (it instanceof Error) throw it;
    yield typeof it === "string" ? new TextEncoder().encode(it) : it;
  }
}

/** Each window as its lines, or the codes of what is none, and how it ends. */
async function read(chunks: AsyncIterable<Uint8Array>, limits = LIMITS) {
  const windows: LineWindow[] = [];
  for await (const window of lineWindows(chunks, limits)) windows.push(window);
  return windows.map(({ lines, end, trouble }) => [
    ...lines.map((line) => (line instanceof Fault ? line.code : line)),
    trouble === undefined ? end : `${end}: ${trouble.code}`,
  ]);
}

describe("lineWindows()", () => {
  test("ends a window where the next line does not fit any more", async () => {
    expect(await read(chunksOf("a\nb\nc\n"))).toEqual([["a", "b", "c", "last"]]);
    expect(await read(chunksOf("a\nb\nc\nd"))).toEqual([
      ["a", "b", "c", "more"],
      ["d", "last"],
    ]);
    const long = "123456789\n";
    expect(await read(chunksOf(long.repeat(3)))).toEqual([
      ["123456789", "123456789", "more"],
      ["123456789", "last"],
    ]);
  });

  test("reads the same whatever chunks the lines come in", async () => {
    const bytes = new TextEncoder().encode("汉a\n{}\r\n\n \t\r\n  b\n😀\nlonger than allowed\nend");
    const limits = { ...LIMITS, charsMax: 1000 };
    const whole = await read(chunksOf(bytes), limits);
    expect(whole).toEqual([
      ["汉a", "{}\r", "b", "more"],
      ["😀", "event_invalid", "end", "last"],
    ]);
    const single = [...bytes].map((byte) => new Uint8Array([byte]));
    expect(await read(chunksOf(...single), limits)).toEqual(whole);
  });

  test("says how long a line was that is too long, and passes over all of it", async () => {
    const chunks = chunksOf("a\n", "x".repeat(50), "x".repeat(50), "\nb");
    const [window] = await Array.fromAsync(lineWindows(chunks, { ...LIMITS, charsMax: 1000 }));
    expect(window?.lines.map(String)).toEqual([
      "a",
      "Fault: Cannot accept event: got 100 bytes, at most 10 are allowed in one event",
      "b",
    ]);
  });

  test("refuses a line that is no UTF-8 in its place", async () => {
    const bytes = new Uint8Array([0x61, 0x0a, 0xff, 0x0a, 0x62]);
    expect(await read(chunksOf(bytes), { ...LIMITS, charsMax: 1000 })).toEqual([
      ["a", "body_malformed", "b", "last"],
    ]);
  });

  test("gives the whole lines of a body that breaks off, and why it did", async () => {
    const chunks = chunksOf("a\nb\nun", new Fault("body_timeout"));
    expect(await read(chunks)).toEqual([["a", "b", "broken: body_timeout"]]);
  });

  test("lets a bug through", async () => {
    await expect(read(chunksOf("a\n", new TypeError("canary")))).rejects.toThrow("canary");
  });

  test("is one empty window for a body without lines", async () => {
    expect(await read(chunksOf("\n \r\n", "\n"))).toEqual([["last"]]);
    expect(await read(chunksOf())).toEqual([["last"]]);
  });

  test("reads no further than to the line that does not fit", async () => {
    let taken = 0;
    async function* endless() {
      while (true) {
        taken += 1;
        yield new TextEncoder().encode("line\n");
      }
    }
    const windows = lineWindows(endless(), LIMITS);
    await windows.next();
    expect(taken).toBe(4);
    await windows.next();
    expect(taken).toBe(7);
    await windows.return(undefined);
  });
});
