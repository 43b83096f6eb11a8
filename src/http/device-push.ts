import type { DeviceId } from "../core/device-id.ts";
import type { Devices } from "../core/devices.ts";
import { Fault } from "../core/faults.ts";
import type { Live } from "../core/live.ts";
import type { Clock } from "../core/ports/clock.ts";
import { decodePushTarget } from "../protocol/device-body.ts";
import { doneAnswer } from "./answers.ts";
import type { App } from "./app-env.ts";
import { authenticatedDevice, type DeviceAuthServices } from "./device-auth.ts";
import { type BodyLimits, readBodyText } from "./request-body.ts";

/** What is needed to remember by what devices can be woken. */
export interface DevicePushServices extends DeviceAuthServices {
  readonly devices: Pick<Devices, "authenticate" | "setPush">;
  /** Names of the providers that are configured. */
  readonly pushProviders: Live<readonly string[]>;
  /** Hears of a device that can be woken at last; MUST NOT throw. */
  readonly queueGrew: (device: DeviceId) => void;
  readonly clock: Clock;
  readonly limits: BodyLimits;
}

/** `/v1/devices/{id}/push`: the device says by what it can be woken. */
export function bindDevicePush(app: App, services: DevicePushServices): void {
  const { devices, pushProviders, queueGrew, clock, limits } = services;
  app.put("/v1/devices/:id/push", async (c) => {
    const device = await authenticatedDevice(c, services);
    const target = decodePushTarget(await readBodyText(c.req.raw, limits, clock));
    checkProvider(target.provider, pushProviders.current);
    await devices.setPush(device, target);
    queueGrew(device);
    return doneAnswer(clock);
  });
  app.delete("/v1/devices/:id/push", async (c) => {
    await devices.setPush(await authenticatedDevice(c, services), null);
    return doneAnswer(clock);
  });
}

function checkProvider(name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const names = known.map((it) => JSON.stringify(it)).join(", ");
  const wanted = known.length === 0 ? "but this server has no provider" : `wanted one of ${names}`;
  const detail = `provider is ${JSON.stringify(name.slice(0, 80))}, ${wanted}`;
  throw new Fault("push_invalid", { detail });
}
