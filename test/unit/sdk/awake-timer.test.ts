import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { afterAwake } from "../../../src/sdk/awake-timer.ts";
import type { Status } from "../../../src/sdk/posthorn.d.ts";
import type { Session } from "../../../src/sdk/session.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** The timer of an app of which only the status matters. */
function started(ms: number) {
  const session: { status: Status } = { status: { state: "connected" } };
  const done = jest.fn();
  return { session, done, stop: afterAwake(session as Session, ms, done) };
}

test("afterAwake() calls back once when the time is over", () => {
  const { done } = started(5_000);
  jest.advanceTimersByTime(4_999);
  expect(done).not.toHaveBeenCalled();
  jest.advanceTimersByTime(60_000);
  expect(done).toHaveBeenCalledTimes(1);
});

test("afterAwake() does not count what the app was paused", () => {
  const { session, done } = started(5_000);
  jest.advanceTimersByTime(3_000);
  session.status = { state: "paused" };
  jest.advanceTimersByTime(60_000);
  session.status = { state: "connecting" };
  jest.advanceTimersByTime(1_999);
  expect(done).not.toHaveBeenCalled();
  jest.advanceTimersByTime(1);
  expect(done).toHaveBeenCalledTimes(1);
});

test("afterAwake() never calls back once it is stopped", () => {
  const { done, stop } = started(5_000);
  jest.advanceTimersByTime(4_000);
  stop();
  jest.advanceTimersByTime(60_000);
  expect(done).not.toHaveBeenCalled();
});
