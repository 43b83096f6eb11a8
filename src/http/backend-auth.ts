import type { Context } from "hono";
import { type DeviceId, parseDeviceId } from "../core/device-id.ts";
import { Fault } from "../core/faults.ts";
import type { Caller } from "./app-env.ts";
import { bearerOf } from "./bearer.ts";
import { checkQuery } from "./known-query.ts";
import type { ApiAccess } from "./server-api/api-services.ts";
import { checkApiKey, credentialsOf } from "./server-api/authorize.ts";

/** A request as the routes get it. */
export type RouteContext = Context<{ Bindings: Caller }>;

/**
 * Throws `api_key_missing` or `api_key_wrong` unless the backend asks, and `query_invalid` where it asks
 * with parameters other than `query`. To be called before anything else.
 */
export function requireApiKey(
  c: RouteContext,
  access: ApiAccess,
  query: readonly string[] = [],
): void {
  checkApiKey(credentialsOf(c), access);
  checkQuery(c, [...query, "api_key"]);
}

/**
 * Whether a request to a path that is the device's too is the backend's. A bearer credential may be
 * either's; in development, where both are the same word, it is the device's.
 */
export function seemsBackend({ req }: RouteContext, { apiKeys }: ApiAccess): boolean {
  if (req.header("x-api-key") !== undefined) return true;
  const authorization = req.header("authorization") ?? "";
  const bearer = bearerOf(authorization);
  if (bearer !== undefined) return apiKeys.matches(bearer);
  return /^apikey /i.test(authorization) || req.query("api_key") !== undefined;
}

/** What a device gets on such a path. A secret that is wrong may be the backend's key, mistyped. */
export async function orBackend<Result>(answer: Promise<Result>): Promise<Result> {
  try {
    return await answer;
  } catch (cause) {
    if (!(cause instanceof Fault) || cause.code !== "secret_wrong") throw cause;
    throw new Fault(cause.code, { detail: `${cause.detail}, and it is no API key`, cause });
  }
}

/** The device that the path names; throws `device_malformed`. */
export function deviceOf({ req }: RouteContext): DeviceId {
  return parseDeviceId(req.param("id") ?? "");
}
