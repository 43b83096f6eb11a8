import { describe, expect, test } from "bun:test";
import type { Publication } from "../../../src/core/publication.ts";
import { openCache, openStream } from "../../../src/core/recovery.ts";

const EPOCH = "abcdefgh";

function publication(offset: number): Publication {
  return { offset, data: `{"n":${offset}}`, timeMs: 0 };
}

function history(top: number, offsets: readonly number[] = []) {
  return { top: { epoch: EPOCH, offset: top }, publications: offsets.map(publication) };
}

function held(...offsets: number[]) {
  return offsets.map((offset) => ({ publication: publication(offset), epoch: EPOCH }));
}

function offsetsOf(opened: ReturnType<typeof openStream>): readonly number[] | string {
  return opened === "insufficient" ? opened : opened.publications.map(({ offset }) => offset);
}

describe("openStream()", () => {
  test("tells where the stream stands when nothing is to be recovered", () => {
    expect(openStream(history(7), [], undefined)).toEqual({
      position: { epoch: EPOCH, offset: 7 },
      publications: [],
    });
  });

  test("counts what arrived while loading as passed when nothing is to be recovered", () => {
    expect(openStream(history(7), held(8, 9), undefined)).toEqual({
      position: { epoch: EPOCH, offset: 9 },
      publications: [],
    });
  });

  test.each([
    { name: "everything missed is kept", top: 9, kept: [8, 9], since: 7, recovered: true },
    { name: "the client is at the top", top: 7, kept: [], since: 7, recovered: true },
    { name: "the oldest missed one is gone", top: 9, kept: [9], since: 7, recovered: false },
    {
      name: "more was missed than is read at once",
      top: 20,
      kept: [8, 9],
      since: 7,
      recovered: false,
    },
    { name: "all missed ones are gone", top: 9, kept: [], since: 7, recovered: false },
    { name: "the client claims more than there is", top: 5, kept: [], since: 7, recovered: false },
  ])("answers recovered: $recovered when $name", ({ top, kept, since, recovered }) => {
    const opened = openStream(history(top, kept), [], { epoch: EPOCH, offset: since });
    expect(opened).toEqual({
      recovered,
      position: { epoch: EPOCH, offset: recovered ? since : top },
      publications: recovered ? kept.map(publication) : [],
    });
  });

  test("recovers nothing of another epoch, even when the offsets fit", () => {
    const opened = openStream(history(9, [8, 9]), [], { epoch: "otherone", offset: 7 });
    expect(opened).toMatchObject({ recovered: false, publications: [] });
  });

  test("does not compare an empty epoch", () => {
    const opened = openStream(history(9, [8, 9]), [], { epoch: "", offset: 7 });
    expect(opened).toMatchObject({ recovered: true });
  });

  test("joins the store and what arrived meanwhile without duplicate", () => {
    const opened = openStream(history(9, [8, 9]), held(9, 10, 11), { epoch: EPOCH, offset: 7 });
    expect(offsetsOf(opened)).toEqual([8, 9, 10, 11]);
    expect(opened).toMatchObject({ recovered: true, position: { offset: 7 } });
  });

  test.each([
    { name: "a publication is missing between store and live", items: held(11) },
    { name: "a live publication is missing", items: held(10, 12) },
    { name: "the epoch changed", items: [{ publication: publication(10), epoch: "newepoch" }] },
  ])("is insufficient when $name", ({ items }) => {
    expect(openStream(history(9, [8, 9]), items, { epoch: EPOCH, offset: 7 })).toBe("insufficient");
  });
});

describe("openCache()", () => {
  const since = { epoch: EPOCH, offset: 7 };

  test("tells where the stream stands when nothing is to be recovered", () => {
    expect(openCache(history(9, [9]), [], undefined)).toEqual({
      position: { epoch: EPOCH, offset: 9 },
      publications: [],
    });
  });

  test("gives the newest publication alone, however many were missed", () => {
    expect(openCache(history(9, [9]), [], since)).toEqual({
      position: { epoch: EPOCH, offset: 9 },
      recovered: true,
      publications: [publication(9)],
    });
  });

  test("gives nothing to a client that has the newest one", () => {
    expect(openCache(history(7, [7]), [], since)).toEqual({
      position: { epoch: EPOCH, offset: 7 },
      recovered: true,
      publications: [],
    });
  });

  test.each([
    { name: "the same offset of another epoch", since: { epoch: "otherone", offset: 9 } },
    { name: "no epoch", since: { epoch: "", offset: 0 } },
    { name: "more than there is", since: { epoch: EPOCH, offset: 12 } },
  ])("gives the newest one to a client that knows $name", ({ since }) => {
    expect(openCache(history(9, [9]), [], since)).toMatchObject({
      recovered: true,
      position: { epoch: EPOCH, offset: 9 },
      publications: [{ offset: 9 }],
    });
  });

  test("prefers what arrived while loading", () => {
    expect(openCache(history(9, [9]), held(10, 11), since)).toMatchObject({
      recovered: true,
      position: { epoch: EPOCH, offset: 11 },
      publications: [{ offset: 11 }],
    });
  });

  test("counts what arrived while loading as passed when nothing is to be recovered", () => {
    expect(openCache(history(9, [9]), held(10), undefined)).toEqual({
      position: { epoch: EPOCH, offset: 10 },
      publications: [],
    });
  });

  test("recovers nothing when the newest one is no longer kept", () => {
    expect(openCache(history(9), [], since)).toEqual({
      position: { epoch: EPOCH, offset: 9 },
      recovered: false,
      publications: [],
    });
  });

  test("is insufficient when what arrived does not follow on", () => {
    expect(openCache(history(9, [9]), held(11), since)).toBe("insufficient");
  });
});
