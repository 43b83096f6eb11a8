import { addressBlock } from "../core/address-block.ts";
import type { CommandReceivers } from "../core/command-receivers.ts";
import type { DeviceSightings } from "../core/device-sightings.ts";
import type { Devices } from "../core/devices.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Live } from "../core/live.ts";
import type { ApiKeys } from "../core/ports/api-keys.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import { RatesByKey } from "../core/rates-by-key.ts";
import { decodeEnroll } from "../protocol/device-body.ts";
import { jsonAnswer } from "./answers.ts";
import type { App } from "./app-env.ts";
import type { RouteContext } from "./backend-auth.ts";
import { bearerOf } from "./bearer.ts";
import { checkCertified } from "./device-auth.ts";
import { checkQuery } from "./known-query.ts";
import { type BodyLimits, readBodyText } from "./request-body.ts";

/** What terminals need to register themselves. */
export interface EnrollServices {
  /** Undefined: none may. */
  readonly fleetKeys: Live<ApiKeys | undefined>;
  readonly certificateRequired?: boolean;
  readonly devices: Pick<Devices, "enroll">;
  readonly sightings: Pick<DeviceSightings, "forget">;
  readonly receivers: Pick<CommandReceivers, "dismiss">;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Pick<BodyLimits, "bodyTimeoutMs">;
}

type KeyCheck = (c: RouteContext, key: string | undefined) => void;

/** `POST /v1/enroll`: a terminal with the fleet's key gets a secret of its own. */
export function bindEnroll(app: App, services: EnrollServices): void {
  const { devices, fleetKeys, sightings, clock, log } = services;
  const checkKey = createKeyCheck(services);
  app.post("/v1/enroll", async (c) => {
    checkCertified(c, services);
    if (fleetKeys.current === undefined) throw unavailable();
    checkQuery(c, []);
    const limits = { ...services.limits, bodyMaxBytes: LIMITS.enrollBodyMaxBytes };
    const text = await readBodyText(c.req.raw, limits, clock);
    const { key, device, ...description } = decodeEnroll(text);
    checkKey(c, bearerOf(c.req.header("authorization")) ?? key);
    const { id, secret } = await devices.enroll(device, description);
    // What came with an earlier secret must not end the time in which this one can be asked for again.
    sightings.forget(id);
    services.receivers.dismiss(id);
    log.info("device.enrolled", { device: id, address: c.env.remoteAddress });
    const headers = { "cache-control": "no-store" };
    return jsonAnswer(JSON.stringify({ id, secret }), { clock, status: 201, headers });
  });
}

/** Throws for a wrong key. Who tries many is told so, and stays out of the log. */
function createKeyCheck({ fleetKeys, clock, log }: EnrollServices): KeyCheck {
  const failures = new RatesByKey({
    rate: { perSecond: LIMITS.enrollFailuresPerSecond, burst: LIMITS.enrollFailuresBurst },
    keysMax: LIMITS.addressesRemembered,
  });
  return ({ env }, key) => {
    if (key === undefined) {
      const detail =
        'wanted the fleet\'s key as "key", or as the header Authorization: Bearer <key>';
      throw new Fault("fleet_key_wrong", { detail });
    }
    if (fleetKeys.current?.matches(key)) return;
    const address = addressBlock(env.remoteAddress);
    if (!failures.take(address, clock.monotonicMs())) {
      const detail = "this address brought too many wrong keys";
      throw new Fault("enrollment_rate_exceeded", { detail });
    }
    log.info("device.refused", { address: env.remoteAddress, code: "fleet_key_wrong" });
    throw new Fault("fleet_key_wrong", { detail: "it is none of this server's" });
  };
}

function unavailable(): Fault {
  const detail = "this server has no fleet key, which devices.fleet_keys of its configuration sets";
  return new Fault("enrollment_unavailable", { detail });
}
