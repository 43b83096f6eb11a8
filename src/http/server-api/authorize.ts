import { Fault } from "../../core/faults.ts";
import { isLoopback } from "../../core/loopback.ts";
import { bearerOf } from "../bearer.ts";
import type { ApiAccess } from "./api-services.ts";

/** What of a request can say who asks. */
export interface Credentials {
  readonly header: (name: string) => string | undefined;
  readonly query: (name: string) => string | undefined;
  readonly remoteAddress: string;
}

const NOT_OURS =
  "it is none of this server's; a device's secret opens the routes of its device only";

/** Throws `api_key_missing` or `api_key_wrong` unless the backend asks. */
export function checkApiKey(credentials: Credentials, { apiKeys, localKeys }: ApiAccess): void {
  const key = keyIn(credentials);
  if (key === undefined) {
    throw new Fault("api_key_missing", { detail: "wanted the header X-API-Key: <key>" });
  }
  if (apiKeys.matches(key)) return;
  if (localKeys?.matches(key) !== true) {
    throw new Fault("api_key_wrong", { detail: NOT_OURS });
  }
  if (isLocal(credentials)) return;
  throw new Fault("api_key_wrong", { detail: "this one is good on the machine itself only" });
}

function keyIn({ header, query }: Credentials): string | undefined {
  const authorization = header("authorization");
  const named = authorization?.match(/^apikey +(\S+) *$/i)?.[1];
  return header("x-api-key") || named || bearerOf(authorization) || query("api_key") || undefined;
}

/**
 * Whether somebody on this machine asks, by nobody's mediation: a proxy or a tunnel on it would
 * lend its address to everyone, and a web page could make its visitor's browser ask.
 */
function isLocal({ header, remoteAddress }: Credentials): boolean {
  const isForwarded = header("x-forwarded-for") !== undefined || header("forwarded") !== undefined;
  const origin = header("origin");
  const isOwnPage = origin === undefined || isLoopback(hostOf(origin));
  return isLoopback(remoteAddress) && !isForwarded && isOwnPage;
}

function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).hostname : "";
}
