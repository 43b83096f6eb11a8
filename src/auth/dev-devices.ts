import type { Devices } from "../core/devices.ts";
import { Fault } from "../core/faults.ts";

/** The secret with which every device is let in during development. */
export const DEV_SECRET = "dev";

/** Development: every device id exists, and all share one secret that everyone knows. */
export function createDevDevices(): Pick<Devices, "authenticate"> {
  return {
    async authenticate(id, secret) {
      if (secret === DEV_SECRET) return { id, name: "", createdAtMs: 0 };
      throw new Fault("secret_wrong", { detail: `with --dev the secret is "${DEV_SECRET}"` });
    },
  };
}
