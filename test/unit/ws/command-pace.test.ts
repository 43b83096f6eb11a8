import { describe, expect, test } from "bun:test";
import { CommandPace } from "../../../src/ws/command-pace.ts";
import { FakeClock } from "../../support/fake-clock.ts";

function paced() {
  const clock = new FakeClock();
  const pace = new CommandPace({ perSecond: 10, burst: 3 }, clock);
  const verdicts = (count: number) => Array.from({ length: count }, () => pace.next());
  return { clock, verdicts };
}

describe("CommandPace", () => {
  test("allows a burst, refuses a burst, and then has enough", () => {
    const { verdicts } = paced();
    expect(verdicts(3)).toEqual(["allowed", "allowed", "allowed"]);
    expect(verdicts(3)).toEqual(["refused", "refused", "refused"]);
    expect(verdicts(2)).toEqual(["excessive", "excessive"]);
  });

  test("allows a client that slows down again, and forgives what was refused", () => {
    const { clock, verdicts } = paced();
    verdicts(6);
    clock.advance(300);
    expect(verdicts(6)).toEqual(["allowed", "allowed", "allowed", "refused", "refused", "refused"]);
  });

  test.each([
    [10, { allowed: 100, refused: 0, excessive: 0 }],
    [19, { allowed: 100, refused: 90, excessive: 0 }],
    [40, { allowed: 100, refused: 100, excessive: 200 }],
  ])(
    "allows ten of %d per second in the long run, and refuses ten at most",
    (perSecond, wanted) => {
      const { clock, verdicts } = paced();
      verdicts(6);
      const counts = { allowed: 0, refused: 0, excessive: 0 };
      for (let sent = 0; sent < 10 * perSecond; sent += 1) {
        clock.advance(1000 / perSecond);
        for (const verdict of verdicts(1)) counts[verdict] += 1;
      }
      for (const verdict of ["allowed", "refused", "excessive"] as const) {
        expect(Math.abs(counts[verdict] - wanted[verdict])).toBeLessThanOrEqual(10);
      }
    },
  );
});
