import { addressBlock } from "../core/address-block.ts";
import type { DeviceId } from "../core/device-id.ts";
import { Fault } from "../core/faults.ts";
import { KeyedPace } from "../core/keyed-pace.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import { RecentNames } from "../core/recent-names.ts";

/** How often those may come that HTTP tells apart. What one of them spends costs no other. */
export interface CallerPaces {
  /** Counts one more post of the device; throws `post_rate_exceeded`. */
  checkPost(device: DeviceId): void;
  /** Counts one more request with a key that is right; throws `api_rate_exceeded`. */
  checkKey(key: string): void;
  /**
   * Counts one more wrong or missing credential of the address; throws `credentials_rate_exceeded`
   * instead of letting the caller say what was wrong.
   */
  checkFailures(address: string): void;
  /**
   * Throws `credentials_rate_exceeded` where an address that has failed too often shows a key which
   * never came from there: operators choose keys, so that guessing must not go on. Who shares the
   * address, and was there before, is let through.
   */
  checkGuess(address: string, key: string): void;
  /** The key was right, and came from this address. */
  keyWasRight(address: string, key: string): void;
}

/** Read for each request: they may change. */
export interface CallerPaceLimits {
  readonly postsPerDevicePerSecond: number;
  readonly postsPerDeviceBurst: number;
  readonly requestsPerKeyPerSecond: number;
  readonly requestsPerKeyBurst: number;
  readonly failuresPerAddressPerSecond: number;
  readonly failuresPerAddressBurst: number;
}

export interface CallerPacesOptions {
  readonly limits: CallerPaceLimits;
  readonly clock: Clock;
}

type PaceName = "postsPerDevice" | "requestsPerKey" | "failuresPerAddress";

export function createCallerPaces({ limits, clock }: CallerPacesOptions): CallerPaces {
  const paceOf = (name: PaceName, keysMax: number) =>
    new KeyedPace({ rate: rateOf(limits, name), keysMax, clock });
  const posts = paceOf("postsPerDevice", LIMITS.callersRemembered);
  const requests = paceOf("requestsPerKey", LIMITS.goodKeysRemembered);
  const failures = paceOf("failuresPerAddress", LIMITS.addressesRemembered);
  const good = new RecentNames(LIMITS.goodKeysRemembered);
  const goodName = (address: string, key: string) => `${addressBlock(address)} ${key}`;
  return {
    checkPost(device) {
      if (posts.take(device)) return;
      const { postsPerDeviceBurst: burst, postsPerDevicePerSecond: perSecond } = limits;
      const detail = `a device may post ${burst} times at once and ${perSecond} times per second`;
      throw new Fault("post_rate_exceeded", { detail });
    },
    checkKey(key) {
      if (requests.take(key)) return;
      const { requestsPerKeyBurst: burst, requestsPerKeyPerSecond: perSecond } = limits;
      const detail = `a key may ask ${burst} times at once and ${perSecond} times per second`;
      throw new Fault("api_rate_exceeded", { detail });
    },
    checkFailures(address) {
      if (!failures.take(addressBlock(address))) throw tooManyFailures();
    },
    checkGuess(address, key) {
      if (!failures.isSpent(addressBlock(address)) || good.has(goodName(address, key))) return;
      throw tooManyFailures();
    },
    keyWasRight: (address, key) => good.add(goodName(address, key)),
  };
}

function tooManyFailures(): Fault {
  const detail = "this address brought too many that were wrong or missing";
  return new Fault("credentials_rate_exceeded", { detail });
}

function rateOf(limits: CallerPaceLimits, name: PaceName) {
  return {
    get perSecond() {
      return limits[`${name}PerSecond`];
    },
    get burst() {
      return limits[`${name}Burst`];
    },
  };
}
