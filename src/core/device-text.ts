import type { Device } from "./devices.ts";

/** The JSON text of a device for the backend. Times are in milliseconds. */
export function encodeDevice(device: Device): string {
  const { id, name, meta, enrollment, online, presenceAtMs, sighting, createdAtMs } = device;
  const known = {
    enrollment,
    online,
    online_changed_at: presenceAtMs,
    last_seen_at: sighting?.seenAtMs,
    address: sighting?.address,
    app_version: sighting?.appVersion,
    push_provider: device.pushProvider,
    created_at: createdAtMs,
  };
  const rest = JSON.stringify(known).slice(1);
  return `{"id":"${id}","name":${JSON.stringify(name)},"meta":${meta},${rest}`;
}
