import { type DeviceState, parseStatePatch } from "../core/device-state.ts";
import { encodeState } from "../core/device-state-text.ts";
import type { States } from "../core/device-states.ts";
import { Fault } from "../core/faults.ts";
import type { Clock } from "../core/ports/clock.ts";
import { parseJson } from "../protocol/json-body.ts";
import { jsonAnswer } from "./answers.ts";
import type { App } from "./app-env.ts";
import type { RouteContext } from "./backend-auth.ts";
import type { CallerPaces } from "./caller-paces.ts";
import type { DeviceAuthServices } from "./device-auth.ts";
import { type BodyLimits, readBodyText } from "./request-body.ts";
import type { ApiAccess } from "./server-api/api-services.ts";
import { type StateCaller, stateCallerOf } from "./state-side.ts";

/** What is needed to read and change states. */
export interface DeviceStateServices extends DeviceAuthServices, ApiAccess {
  readonly states: States;
  readonly paces: CallerPaces;
  readonly clock: Clock;
  readonly limits: BodyLimits;
}

/**
 * `/v1/devices/{id}/state`: the device says what it is, the backend what it should be, and both see
 * all of it. The ETag is the version of the asker's own side, for `If-Match`.
 */
export function bindDeviceState(app: App, services: DeviceStateServices): void {
  const { states, paces, clock, limits } = services;
  app.get("/v1/devices/:id/state", async (c) => {
    const caller = await stateCallerOf(c, services);
    return answer(await states.find(caller.device), caller, clock);
  });
  app.patch("/v1/devices/:id/state", async (c) => {
    const caller = await stateCallerOf(c, services);
    if (caller.side === "reported") paces.checkPost(caller.device);
    const version = wantedVersion(c);
    const text = await readBodyText(c.req.raw, limits, clock);
    parseJson(text);
    const patch = parseStatePatch(text);
    const { device, side } = caller;
    return answer(await states.patch(device, { side, patch, version }), caller, clock);
  });
}

function answer(state: DeviceState, { side }: StateCaller, clock: Clock): Response {
  const headers = { etag: `"${state[side].version}"` };
  return jsonAnswer(encodeState(state), { clock, headers });
}

function wantedVersion({ req }: RouteContext): number | undefined {
  const header = req.header("if-match")?.trim();
  if (header === undefined || header === "" || header === "*") return undefined;
  // A proxy that compresses the answer makes its ETag a weak one.
  const [, digits] = /^(?:W\/)?"?(\d{1,15})"?$/.exec(header) ?? [];
  if (digits !== undefined) return Number(digits);
  const found = JSON.stringify(header.slice(0, 40));
  const detail = `If-Match is ${found}, wanted a version in quotes, as the ETag has it`;
  throw new Fault("state_invalid", { detail });
}
