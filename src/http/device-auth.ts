import type { Admission } from "../core/device-admission.ts";
import type { DeviceId } from "../core/device-id.ts";
import type { DevicePresence } from "../core/device-presence.ts";
import type { DeviceSightings } from "../core/device-sightings.ts";
import type { Devices } from "../core/devices.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Log } from "../core/ports/log.ts";
import { deviceOf, type RouteContext } from "./backend-auth.ts";
import { bearerOf } from "./bearer.ts";
import type { CallerPaces } from "./caller-paces.ts";
import { checkQuery } from "./known-query.ts";

/** What telling devices apart needs. */
export interface DeviceAuthServices {
  readonly devices: Pick<Devices, "authenticate">;
  readonly sightings: Pick<DeviceSightings, "saw">;
  readonly presence: Pick<DevicePresence, "posted">;
  readonly paces: Pick<CallerPaces, "checkFailures">;
  /** Whether who shows no certificate is no device, whatever it knows. */
  readonly certificateRequired?: boolean;
  readonly log: Log;
}

/** Throws `certificate_required` for whoever came to a port that asks for none. */
export function checkCertified(
  { env }: RouteContext,
  { certificateRequired = false }: Pick<DeviceAuthServices, "certificateRequired">,
): void {
  if (!certificateRequired || env.isCertified) return;
  const detail = "devices are to come to server.devices_port with a certificate of their own";
  throw new Fault("certificate_required", { detail });
}

/** What a route does with the request. */
export interface DeviceRequestUse {
  /** Whether it keeps the request open and says so to the presence itself. */
  readonly holds?: boolean;
  /** The parameters it has; none by default. */
  readonly query?: readonly string[];
}

/**
 * The device that a path names, once its secret proved that it asks; throws a {@link Fault} otherwise.
 * From then on it counts as seen, and as online.
 */
export async function authenticatedDevice(
  c: RouteContext,
  services: DeviceAuthServices,
): Promise<DeviceId> {
  await admittedDevice(c, services);
  return deviceOf(c);
}

/** The same, for a request that may be open long after the secret was replaced. */
export async function admittedDevice(
  c: RouteContext,
  services: DeviceAuthServices,
  { holds = false, query = [] }: DeviceRequestUse = {},
): Promise<Admission> {
  checkCertified(c, services);
  const { sightings, presence } = services;
  const id = deviceOf(c);
  const admission = await admissionOf(id, c, services);
  sightings.saw(id, { address: c.env.remoteAddress, appVersion: appVersionOf(c) });
  if (!holds) presence.posted(id);
  checkQuery(c, query);
  return admission;
}

/** Secrets are beyond guessing, so one that is right lets in whatever else its address brought. */
async function admissionOf(
  id: DeviceId,
  { req, env }: RouteContext,
  { devices, paces, log }: DeviceAuthServices,
): Promise<Admission> {
  const secret = bearerOf(req.header("authorization"));
  if (secret === undefined) {
    paces.checkFailures(env.remoteAddress);
    const detail = "wanted the header Authorization: Bearer <secret>";
    throw new Fault("secret_missing", { detail });
  }
  try {
    return await devices.authenticate(id, secret);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.kind === "unauthenticated") paces.checkFailures(env.remoteAddress);
    log.info("device.refused", { device: id, code: error.code });
    throw error;
  }
}

/** What cannot be shown to people is left out, as if the device had not said it. */
function appVersionOf({ req }: RouteContext): string | undefined {
  const version = req.header("x-app-version")?.trim() ?? "";
  const isShown = /^[\x20-\x7e]+$/.test(version) && version.length <= LIMITS.appVersionMaxChars;
  return isShown ? version : undefined;
}
