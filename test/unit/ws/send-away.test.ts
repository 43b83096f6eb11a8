import { expect, test } from "bun:test";
import type { Disconnect } from "../../../src/protocol/codes.ts";
import { sendAway } from "../../../src/ws/send-away.ts";
import { FakeClock } from "../../support/fake-clock.ts";

/** Clients that note when they were told to go, and when to come back. */
function worldOf(count: number) {
  const clock = new FakeClock();
  const told: { atMs: number; retryMs: number }[] = [];
  const clients = Array.from({ length: count }, (_, index) => ({
    id: `${index}`,
    connection: { isSlow: () => false },
    end({ reason }: Disconnect) {
      told.push({ atMs: clock.monotonicMs(), retryMs: JSON.parse(reason)["retry_after_ms"] });
    },
  }));
  const entropy = { fraction: () => 0.5, uuid: () => "", token: () => "" };
  const registry = { clients: () => clients.values() };
  return { clock, told, parts: { registry, clock, entropy } };
}

async function runOut(clock: FakeClock, done: Promise<void>): Promise<void> {
  let isDone = false;
  const ended = done.then(() => {
    isDone = true;
  });
  while (!isDone) {
    await Promise.resolve();
    if (clock.pending > 0) clock.advance(50);
  }
  await ended;
}

test("sendAway() sends so many per second, and all come back after the last has gone", async () => {
  const { clock, told, parts } = worldOf(4_000);
  const pace = { perSecond: 1_000, withinMs: 60_000, spreadMs: 2_000 };
  await runOut(clock, sendAway(parts, pace));
  expect(told).toHaveLength(4_000);
  for (const second of [0, 1, 2, 3]) {
    const inSecond = told.filter(({ atMs }) => Math.floor(atMs / 1000) === second);
    expect(inSecond.length).toBe(1_000);
  }
  // Half of the spread by this entropy, counted from the end of the four seconds.
  const returns = told.map(({ atMs, retryMs }) => atMs + retryMs);
  expect(Math.min(...returns)).toBeGreaterThanOrEqual(4_950);
  expect(Math.max(...returns)).toBeLessThanOrEqual(5_050);
});

test.each([1, 10, 21, 30])("sendAway() obeys a pace of %i per second", async (perSecond) => {
  const { clock, told, parts } = worldOf(perSecond * 10);
  await runOut(clock, sendAway(parts, { perSecond, withinMs: 300_000, spreadMs: 0 }));
  const inSeconds = Array.from(
    { length: 10 },
    (_, second) => told.filter(({ atMs }) => Math.floor(atMs / 1000) === second).length,
  );
  for (const count of inSeconds) expect(Math.abs(count - perSecond)).toBeLessThanOrEqual(1);
  expect(told).toHaveLength(perSecond * 10);
  for (const { atMs, retryMs } of told) expect(atMs + retryMs).toBe(10_000);
});

test("sendAway() is faster than its pace where time is short, and at once for a few", async () => {
  const many = worldOf(10_000);
  await runOut(many.clock, sendAway(many.parts, { perSecond: 10, withinMs: 500, spreadMs: 0 }));
  expect(many.told).toHaveLength(10_000);
  expect(many.told.at(-1)?.atMs).toBeLessThanOrEqual(500);
  const few = worldOf(20);
  await sendAway(few.parts, { perSecond: 1_000, withinMs: 500, spreadMs: 0 });
  expect(few.told).toHaveLength(20);
});

test("sendAway() lets the rest stay when it is called off", async () => {
  const { clock, told, parts } = worldOf(1_000);
  const pace = { perSecond: 1_000, withinMs: 60_000, spreadMs: 0 };
  await runOut(clock, sendAway(parts, { ...pace, isCanceled: () => told.length >= 100 }));
  expect(told).toHaveLength(100);
});
