import { Fault } from "./faults.ts";

declare const brand: unique symbol;

/** A validated device id. Only {@link parseDeviceId} can make one. */
export type DeviceId = string & { readonly [brand]: "DeviceId" };

/** Safe in URLs, file names, log lines and channel names; long enough for an IMEI, a UUID or a serial number. */
export const DEVICE_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Turns untrusted text into a {@link DeviceId}, or throws `device_malformed`. */
export function parseDeviceId(text: string): DeviceId {
  if (!DEVICE_ID_PATTERN.test(text)) {
    throw new Fault("device_malformed", {
      detail: `got ${JSON.stringify(text.slice(0, 80))}, wanted 1 to 64 of A-Z a-z 0-9 . _ - with a letter or digit first`,
    });
  }
  return text as DeviceId;
}
