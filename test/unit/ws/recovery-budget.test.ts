import { describe, expect, test } from "bun:test";
import { RecoveryBudget } from "../../../src/ws/recovery-budget.ts";

const POSITION = { epoch: "abcdefgh", offset: 7 };

function recovery(...datas: string[]) {
  const publications = datas.map((data, index) => ({ data, offset: 8 + index, timeMs: 0 }));
  return { position: POSITION, recovered: true, publications };
}

describe("RecoveryBudget", () => {
  test("leaves alone what fits", () => {
    const opened = recovery('"123"', '"456"');
    expect(new RecoveryBudget(10).spend(opened)).toBe(opened);
  });

  test("recovers nothing rather than a part of what does not fit", () => {
    expect(new RecoveryBudget(9).spend(recovery('"123"', '"456"'))).toEqual({
      position: { epoch: "abcdefgh", offset: 9 },
      recovered: false,
      publications: [],
    });
  });

  test("counts bytes, not characters", () => {
    expect(new RecoveryBudget(4).spend(recovery('"消"'))).toMatchObject({ recovered: false });
  });

  test("counts tags and info too", () => {
    const heavy = [{ data: "1", offset: 8, timeMs: 0, tags: { a: "b" }, info: "{}" }];
    expect(new RecoveryBudget(11).take(heavy)).toBe(false);
    expect(new RecoveryBudget(12).take(heavy)).toBe(true);
  });

  test("tells what is left", () => {
    const budget = new RecoveryBudget(8);
    budget.take(recovery('"123"').publications);
    expect(budget.leftBytes).toBe(3);
    budget.take(recovery('"123"').publications);
    expect(budget.leftBytes).toBe(3);
  });

  test("is shared by the recoveries of one answer", () => {
    const budget = new RecoveryBudget(8);
    expect(budget.spend(recovery('"123"'))).toMatchObject({ recovered: true });
    expect(budget.spend(recovery('"123"'))).toMatchObject({ recovered: false });
    expect(budget.spend(recovery("1"))).toMatchObject({ recovered: true });
  });
});
