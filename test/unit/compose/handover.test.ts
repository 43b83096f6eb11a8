import { expect, test } from "bun:test";
import { createHandover } from "../../../src/compose/handover.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { TAKEOVER_LIMITS } from "../../../src/core/takeover-limits.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

/** A server of which only the order of what it does is of interest. */
function world() {
  const clock = new FakeClock();
  const steps: string[] = [];
  const renewed = Promise.withResolvers<void>();
  const doorway = {
    leave: (isLeaving: boolean) => void steps.push(`leave ${isLeaving}`),
    close: () => void steps.push("close"),
    open: () => void steps.push("open"),
  };
  const listeners = {
    async hold() {
      await renewed.promise;
      steps.push("held");
      return () => void steps.push("released");
    },
    stop: async () => void steps.push("stopped"),
  };
  const gateway = { sendAway: async () => void steps.push("sent away"), drain: async () => {} };
  const parts = {
    ...{ doorway, listeners, gateway },
    live: { current: { config: { limits: LIMITS } } },
    terminals: { drain: async () => {} },
    lifecycle: { idle: async () => {} },
    opened: { [Symbol.asyncDispose]: async () => void steps.push("store closed") },
  };
  const around = { clock, log: new RecordingLog() };
  const handover = createHandover(around, parts as unknown as Parameters<typeof createHandover>[1]);
  return { clock, steps, renewed, handover };
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test("nobody follows before a running renewal is over, and none begins from then on", async () => {
  const { clock, steps, renewed, handover } = world();
  let isReady = false;
  const leaving = handover
    .leave(() => false)
    .then(() => {
      isReady = true;
    });
  clock.advance(TAKEOVER_LIMITS.takeoverLeadMs);
  await settled();
  expect([steps, isReady]).toEqual([["leave true", "sent away"], false]);
  renewed.resolve();
  await leaving;
  handover.stay();
  expect(steps).toEqual(["leave true", "sent away", "held", "released", "leave false"]);
});

test("a server that was followed accepts for a moment more, and then nothing", async () => {
  const { clock, steps, handover } = world();
  await handover.giveStore();
  handover.handOn(async () => new Response());
  expect(steps).toEqual(["close", "store closed", "open"]);
  clock.advance(LIMITS.listenerOverlapMs);
  await settled();
  expect(steps.at(-1)).toBe("stopped");
});
