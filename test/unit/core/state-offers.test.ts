import { describe, expect, test } from "bun:test";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { emptyState } from "../../../src/core/device-state.ts";
import { createStateOffers, encodeOffer } from "../../../src/core/state-offers.ts";

const A = parseDeviceId("a");
const B = parseDeviceId("b");
const C = parseDeviceId("c");

function offersOf(devicesMax = 2) {
  return createStateOffers({
    devicesMax,
    states: {
      async deviceState(device) {
        const desired = device === A ? { text: '{"v":1.0,"w":2}', version: 4 } : undefined;
        const state = { ...emptyState(device), reported: { text: '{"w":2}', version: 1 } };
        return desired === undefined ? emptyState(device) : { ...state, desired };
      },
    },
  });
}

describe("state offers", () => {
  test("are what the device still has to follow, with the version that it leads to", async () => {
    const offer = await offersOf().pending(A);
    expect(offer).toEqual({ delta: '{"v":1.0}', version: 4 });
    expect(offer && encodeOffer(offer)).toBe('{"delta":{"v":1.0},"desired_version":4}');
  });

  test("are none for a device that is as desired", async () => {
    expect(await offersOf().pending(B)).toBeUndefined();
  });

  test("are new until they were made, and when the version is another one", () => {
    const offers = offersOf();
    const offer = { delta: "{}", version: 2 };
    expect(offers.isNew(A, offer)).toBe(true);
    offers.offered(A, offer);
    expect(offers.isNew(A, offer)).toBe(false);
    expect(offers.isNew(B, offer)).toBe(true);
    expect(offers.isNew(A, { ...offer, version: 3 })).toBe(true);
    expect(offers.isNew(A, { ...offer, version: 1 })).toBe(true);
  });

  test("forget the device that was made one longest ago", () => {
    const offers = offersOf(2);
    const offer = { delta: "{}", version: 1 };
    for (const device of [A, B, A, C]) offers.offered(device, offer);
    expect([A, B, C].map((device) => offers.isNew(device, offer))).toEqual([false, true, false]);
  });
});
