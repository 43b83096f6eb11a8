import { type Asked, askServer, type Route } from "./observe-front.ts";

/** A device to be, for a visit that may post. */
export interface Device {
  readonly id: string;
  readonly secret: string;
  /** How long its poll asks to be held. */
  readonly pollSeconds: number;
}

/** What came of posting and polling as a device. */
export interface DeviceSeen {
  readonly post: Asked;
  readonly poll: Asked;
}

/** Beyond the time for which a poll asks to be held. */
const POLL_GRACE_MS = 10_000;

/** The type of the event that a visit posts. */
const EVENT_TYPE = "doctor.visit";

/** Posts one event and holds one poll, as a device does. */
export async function observeDevice(route: Route, device: Device): Promise<DeviceSeen> {
  const { id, secret, pollSeconds } = device;
  const path = `/v1/devices/${encodeURIComponent(id)}`;
  const headers = { Authorization: `Bearer ${secret}` };
  const [post, poll] = await Promise.all([
    askServer(route, {
      method: "POST",
      path: `${path}/events`,
      headers: { ...headers, "Content-Type": "application/json" },
      body: JSON.stringify({ type: EVENT_TYPE, data: {} }),
    }),
    askServer(route, {
      path: `${path}/commands?wait=${pollSeconds}&max=1`,
      headers,
      waitMs: 1000 * pollSeconds + POLL_GRACE_MS,
    }),
  ]);
  return { post, poll };
}

/** Calls the one method of the server API that changes nothing. */
export function observeBackend(route: Route, apiKey: string): Promise<Asked> {
  return askServer(route, {
    method: "POST",
    path: "/api/info",
    headers: { "X-API-Key": apiKey, "Content-Type": "application/json" },
    body: "{}",
  });
}
