import type { DeviceId } from "../core/device-id.ts";
import type { StateSide } from "../core/device-state.ts";
import {
  deviceOf,
  orBackend,
  type RouteContext,
  requireApiKey,
  seemsBackend,
} from "./backend-auth.ts";
import { authenticatedDevice, type DeviceAuthServices } from "./device-auth.ts";
import type { ApiAccess } from "./server-api/api-services.ts";

/** Who asks about a state, by the side that is theirs to change. */
export interface StateCaller {
  readonly device: DeviceId;
  readonly side: StateSide;
}

/** The backend with its key, or the device of the path with its secret; throws a `Fault` for anyone else. */
export async function stateCallerOf(
  c: RouteContext,
  services: DeviceAuthServices & ApiAccess,
): Promise<StateCaller> {
  if (!seemsBackend(c, services)) {
    return { device: await orBackend(authenticatedDevice(c, services)), side: "reported" };
  }
  requireApiKey(c, services);
  return { device: deviceOf(c), side: "desired" };
}
