import type { DeviceSightings } from "../core/device-sightings.ts";
import { encodeDevice } from "../core/device-text.ts";
import type { Device, Devices } from "../core/devices.ts";
import { type DeviceKnowers, endDevice } from "../core/end-device.ts";
import type { Clock } from "../core/ports/clock.ts";
import { decodeDeviceChange, decodeNewDevice } from "../protocol/device-body.ts";
import { doneAnswer, jsonAnswer } from "./answers.ts";
import type { App } from "./app-env.ts";
import { deviceOf, type RouteContext, requireApiKey } from "./backend-auth.ts";
import { DEVICE_PAGE_QUERY, devicePageOf } from "./device-page.ts";
import { type BodyLimits, readBodyText } from "./request-body.ts";
import type { ApiAccess } from "./server-api/api-services.ts";

/** What the backend acts upon when it keeps its devices in order. */
export interface BackendDeviceServices extends ApiAccess, DeviceKnowers {
  readonly devices: Pick<Devices, "add" | "find" | "list" | "change" | "rotate" | "remove">;
  readonly sightings: Pick<DeviceSightings, "lastSeen" | "forget">;
  readonly clock: Clock;
  readonly limits: BodyLimits;
}

/** The registry: what the backend does with the devices themselves. */
export function bindBackendDevices(app: App, services: BackendDeviceServices): void {
  bindMany(app, services);
  bindOne(app, services);
}

function bindMany(app: App, services: BackendDeviceServices): void {
  const { devices, clock, log } = services;
  app.post("/v1/devices", async (c) => {
    requireApiKey(c, services);
    const { device, secret } = await devices.add(decodeNewDevice(await bodyOf(c, services)));
    log.info("device.added", { device: device.id });
    const text = `{"secret":${JSON.stringify(secret)},${encodeDevice(device).slice(1)}`;
    return jsonAnswer(text, { clock, status: 201, headers: NOT_KEPT });
  });
  app.get("/v1/devices", async (c) => {
    requireApiKey(c, services, DEVICE_PAGE_QUERY);
    const page = devicePageOf((name) => c.req.query(name));
    const found = await devices.list(page);
    const last = found.length === page.limit ? found.at(-1) : undefined;
    const next = last === undefined ? "" : `,"next":"${last.id}"`;
    const texts = found.map((device) => encoded(device, services));
    return jsonAnswer(`{"devices":[${texts.join(",")}]${next}}`, { clock });
  });
}

function bindOne(app: App, services: BackendDeviceServices): void {
  const { devices, clock, log } = services;
  app.get("/v1/devices/:id", async (c) => {
    requireApiKey(c, services);
    return jsonAnswer(encoded(await devices.find(deviceOf(c)), services), { clock });
  });
  app.patch("/v1/devices/:id", async (c) => {
    requireApiKey(c, services);
    const id = deviceOf(c);
    const changed = await devices.change(id, decodeDeviceChange(await bodyOf(c, services)));
    return jsonAnswer(encoded(changed, services), { clock });
  });
  app.delete("/v1/devices/:id", async (c) => {
    requireApiKey(c, services);
    const id = deviceOf(c);
    await devices.remove(id);
    endDevice(id, services);
    return doneAnswer(clock);
  });
  app.post("/v1/devices/:id/secret", async (c) => {
    requireApiKey(c, services);
    const { id, secret } = await devices.rotate(deviceOf(c));
    // What is open was let in by the secret that is no more.
    services.receivers.dismiss(id);
    log.info("device.rotated", { device: id });
    return jsonAnswer(JSON.stringify({ id, secret }), { clock, headers: NOT_KEPT });
  });
}

/** A secret is in it. */
const NOT_KEPT = { "cache-control": "no-store" } as const;

function bodyOf(c: RouteContext, { limits, clock }: BackendDeviceServices): Promise<string> {
  return readBodyText(c.req.raw, limits, clock);
}

function encoded(device: Device, { sightings }: BackendDeviceServices): string {
  return encodeDevice(sightings.lastSeen(device));
}
