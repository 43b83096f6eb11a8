import { describe, expect, test } from "bun:test";
import type { Publication } from "../../../src/core/publication.ts";
import { boundRecovery, openStream, sizeOf } from "../../../src/core/recovery.ts";

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

describe("boundRecovery()", () => {
  const opened = openStream(history(9, [8, 9]), [], { epoch: EPOCH, offset: 7 });
  if (opened === "insufficient") throw new Error("Cannot test: the stream is insufficient");

  test("leaves a recovery alone that fits", () => {
    expect(boundRecovery(opened, sizeOf(opened))).toBe(opened);
  });

  test("recovers nothing rather than a part of what does not fit", () => {
    expect(boundRecovery(opened, sizeOf(opened) - 1)).toEqual({
      position: { epoch: EPOCH, offset: 9 },
      recovered: false,
      publications: [],
    });
  });
});
