import { type CallerPaceLimits, createCallerPaces } from "../../src/http/caller-paces.ts";
import { FakeClock } from "./fake-clock.ts";

const NO_LIMITS: CallerPaceLimits = {
  postsPerDevicePerSecond: 0,
  postsPerDeviceBurst: 1,
  requestsPerKeyPerSecond: 0,
  requestsPerKeyBurst: 1,
  failuresPerAddressPerSecond: 0,
  failuresPerAddressBurst: 1,
};

/** Paces that hold up nobody but whom the test limits. */
export function openPaces(limits: Partial<CallerPaceLimits> = {}, clock = new FakeClock()) {
  return createCallerPaces({ limits: { ...NO_LIMITS, ...limits }, clock });
}
