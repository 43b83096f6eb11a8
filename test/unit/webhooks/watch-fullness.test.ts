import { expect, test } from "bun:test";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { watchFullness } from "../../../src/webhooks/watch-fullness.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

/** Two endpoints of which `waiting` tells how much waits. */
function world() {
  const clock = new FakeClock();
  const log = new RecordingLog();
  const waiting: Record<string, number> = { shop: 0, bank: 0 };
  const bytes: Record<string, number> = {};
  const store: { failure?: Error | undefined } = {};
  const cancel = watchFullness({
    endpoints: () => ["shop", "bank"],
    outbox: {
      async outboxCounts(endpoint) {
        if (store.failure !== undefined) throw store.failure;
        return { waiting: waiting[endpoint] ?? 0, waitingBytes: bytes[endpoint] ?? 0, dead: 7 };
      },
    },
    clock,
    log,
  });
  async function look(): Promise<void> {
    clock.advance(LIMITS.outboxWatchMs);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }
  return { clock, log, waiting, bytes, store, cancel, look };
}

test("an outbox that is full is told of once, until it was not", async () => {
  const { log, waiting, look } = world();
  waiting["shop"] = LIMITS.outboxRowsMax - 1;
  await look();
  expect(log.lines).toEqual([]);
  waiting["shop"] = LIMITS.outboxRowsMax;
  await look();
  await look();
  const fields = {
    endpoint: "shop",
    waiting: LIMITS.outboxRowsMax,
    waitingBytes: 0,
    dead: 7,
  };
  expect(log.lines).toEqual([{ level: "error", event: "webhook.full", fields }]);
  waiting["shop"] = 1;
  await look();
  waiting["shop"] = LIMITS.outboxRowsMax;
  await look();
  expect(log.of("webhook.full")).toHaveLength(2);
});

test("an outbox that is full of few but large events is told of as well", async () => {
  const { log, bytes, look } = world();
  bytes["shop"] = LIMITS.outboxMaxBytes - 1;
  await look();
  expect(log.lines).toEqual([]);
  bytes["shop"] = LIMITS.outboxMaxBytes;
  await look();
  expect(log.of("webhook.full")).toMatchObject([{ waitingBytes: LIMITS.outboxMaxBytes }]);
});

test("a store that cannot answer is asked again, and a bug is logged", async () => {
  const { log, waiting, store, look } = world();
  waiting["shop"] = LIMITS.outboxRowsMax;
  store.failure = new Fault("store_failed");
  await look();
  expect(log.lines).toEqual([]);
  store.failure = new TypeError("a bug");
  await look();
  expect(log.of("task.failed")).toHaveLength(2);
  store.failure = undefined;
  await look();
  expect(log.of("webhook.full")).toHaveLength(1);
});

test("nobody looks any more once it is canceled", () => {
  const { clock, cancel } = world();
  cancel();
  expect(clock.pending).toBe(0);
});
