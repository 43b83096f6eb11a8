import { describe, expect, test } from "bun:test";
import { SilenceWatch } from "../../../src/ws/silence-watch.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

function world() {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const watch = new SilenceWatch({ clock, log });
  const cut = (count: number, seconds: number) => {
    for (let n = 0; n < count; n += 1) watch.brokeOff(seconds * 1000);
  };
  return { clock, cut, told: () => log.of("proxy.idle_cut") };
}

describe("SilenceWatch", () => {
  test("tells once that many were cut after the same round time, and what to do", () => {
    const { cut, told } = world();
    cut(9, 60.4);
    expect(told()).toEqual([]);
    cut(5, 59.2);
    expect(told()).toHaveLength(1);
    expect(told()[0]).toMatchObject({ seconds: 60, cuts: 10 });
    expect(String(told()[0]?.["remedy"])).toContain("less than 30 s");
  });

  test.each([100, 300, 350, 900])("knows the time of %i s", (seconds) => {
    const { cut, told } = world();
    cut(10, seconds);
    expect(told()).toMatchObject([{ seconds }]);
  });

  test("is silent about ends that are spread over all times, as those of phones are", () => {
    const { cut, told } = world();
    for (let seconds = 1; seconds < 400; seconds += 1) cut(1, seconds);
    expect(told()).toEqual([]);
  });

  test("is silent when few of many are at a round time", () => {
    const { cut, told } = world();
    cut(90, 7);
    cut(20, 60);
    expect(told()).toEqual([]);
  });

  test("forgets what is long ago, and tells again after a day", () => {
    const { clock, cut, told } = world();
    cut(9, 60);
    clock.advance(11 * 60 * 1000);
    cut(9, 60);
    expect(told()).toEqual([]);
    cut(20, 60);
    clock.advance(60 * 60 * 1000);
    cut(20, 60);
    expect(told()).toHaveLength(1);
    clock.advance(24 * 60 * 60 * 1000);
    cut(20, 60);
    expect(told()).toHaveLength(2);
  });
});
