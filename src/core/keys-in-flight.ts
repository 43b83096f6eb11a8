import type { DeviceId } from "./device-id.ts";
import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";

/** The idempotency keys whose requests are being stored right now, for each device a bounded number. */
export class KeysInFlight {
  readonly #keys = new Map<DeviceId, Set<string>>();

  /** Devices that have a key in flight. */
  get size(): number {
    return this.#keys.size;
  }

  /** Holds the key until the result is disposed of; throws `key_in_flight` when it is held already. */
  take(device: DeviceId, key: string): Disposable {
    const keys = this.#keys.get(device) ?? new Set();
    if (keys.has(key)) {
      const detail = `the first request with the Idempotency-Key ${JSON.stringify(key)} is still being stored, wanted a repetition after that`;
      throw new Fault("key_in_flight", { detail });
    }
    if (keys.size >= LIMITS.keysInFlightPerDevice) {
      const detail = `requests with ${keys.size} keys are being stored already, wanted at most ${LIMITS.keysInFlightPerDevice} of one device`;
      throw new Fault("key_in_flight", { detail });
    }
    this.#keys.set(device, keys.add(key));
    return { [Symbol.dispose]: () => this.#release(device, key) };
  }

  #release(device: DeviceId, key: string): void {
    const keys = this.#keys.get(device);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(device);
  }
}
