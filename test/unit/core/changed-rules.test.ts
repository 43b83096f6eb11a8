import { describe, expect, test } from "bun:test";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { createDevicePresence } from "../../../src/core/device-presence.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { liveRecord } from "../../../src/core/live.ts";
import type { PresenceChange } from "../../../src/core/presence-event.ts";
import { RatesByKey } from "../../../src/core/rates-by-key.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const SECOND_MS = 1_000;

describe("rules that change while they are used", () => {
  test("a rate holds for keys that are known already", () => {
    const source = { current: { perSecond: 1, burst: 3 } };
    const rates = new RatesByKey({ rate: liveRecord(source), keysMax: 10 });
    const taken = (nowMs: number) => [1, 2, 3, 4].filter(() => rates.take("a", nowMs)).length;
    expect(taken(0)).toBe(3);
    source.current = { perSecond: 1, burst: 1 };
    expect(taken(60 * SECOND_MS)).toBe(1);
    source.current = { perSecond: 2, burst: 4 };
    expect(taken(120 * SECOND_MS)).toBe(4);
  });

  test("a device's silence is judged by the ttl and the grace of the moment", async () => {
    const clock = new FakeClock();
    const told: PresenceChange[] = [];
    const source = { current: { onlineTtlMs: 60 * SECOND_MS, offlineGraceMs: 10 * SECOND_MS } };
    const times = liveRecord(source);
    const presence = createDevicePresence({
      clock,
      log: new RecordingLog(),
      get onlineTtlMs() {
        return times.onlineTtlMs;
      },
      get offlineGraceMs() {
        return times.offlineGraceMs;
      },
      returnMs: 0,
      store: async (change) => {
        told.push(change);
      },
      limits: LIMITS,
    });
    const device = parseDeviceId("door");
    presence.posted(device);
    source.current = { onlineTtlMs: 5 * SECOND_MS, offlineGraceMs: SECOND_MS };
    presence.posted(device);
    clock.advance(60 * SECOND_MS);
    expect(presence.count).toBe(1); // what was promised by the first post holds
    clock.advance(10 * SECOND_MS);
    expect(presence.count).toBe(0);
    presence.posted(device);
    clock.advance(6 * SECOND_MS);
    expect(presence.count).toBe(0);
    await presence.stop();
    expect(told.length).toBeGreaterThan(0);
  });
});
