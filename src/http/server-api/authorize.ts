import { Fault } from "../../core/faults.ts";
import { isLoopback } from "../../core/loopback.ts";
import type { Caller } from "../app-env.ts";
import { bearerOf } from "../bearer.ts";
import { mediatorOf } from "../proxies/mediation.ts";
import type { ApiAccess } from "./api-services.ts";

interface Asked {
  readonly req: {
    header(name: string): string | undefined;
    query(name: string): string | undefined;
  };
  readonly env: Pick<Caller, "remoteAddress" | "proxyAddress">;
}

/** What of a request can say who asks. */
export interface Credentials {
  readonly header: (name: string) => string | undefined;
  readonly query: (name: string) => string | undefined;
  readonly remoteAddress: string;
  readonly proxyAddress?: string;
}

/** What of a request as the routes get it. */
export function credentialsOf({ req, env }: Asked): Credentials {
  const { remoteAddress, proxyAddress } = env;
  return {
    header: (name) => req.header(name),
    query: (name) => req.query(name),
    remoteAddress,
    ...(proxyAddress !== undefined && { proxyAddress }),
  };
}

const NOT_OURS =
  "it is none of this server's; a device's secret opens the routes of its device only";

/**
 * Throws `api_key_missing` or `api_key_wrong` unless the backend asks, and what {@link ApiAccess.paces}
 * throw when it, or who would be it, asks too often.
 */
export function checkApiKey(credentials: Credentials, access: ApiAccess): void {
  const { paces } = access;
  const { remoteAddress } = credentials;
  const key = keyIn(credentials);
  if (key !== undefined) paces.checkGuess(remoteAddress, key);
  const refusal = refusalOf(key, credentials, access);
  if (key === undefined || refusal !== undefined) {
    paces.checkFailures(remoteAddress);
    throw refusal;
  }
  paces.keyWasRight(remoteAddress, key);
  paces.checkKey(key);
}

function refusalOf(
  key: string | undefined,
  credentials: Credentials,
  { apiKeys, localKeys }: ApiAccess,
): Fault | undefined {
  if (key === undefined) {
    return new Fault("api_key_missing", { detail: "wanted the header X-API-Key: <key>" });
  }
  if (apiKeys.matches(key)) return undefined;
  if (localKeys?.matches(key) !== true) return new Fault("api_key_wrong", { detail: NOT_OURS });
  const distance = distanceOf(credentials);
  if (distance === undefined) return undefined;
  const detail = `this one is good on the machine itself only, and ${distance}; api.keys are good everywhere`;
  return new Fault("api_key_wrong", { detail });
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
export function isLocal(credentials: Credentials): boolean {
  return distanceOf(credentials) === undefined;
}

/** Why whoever asks need not be on this machine; undefined when nothing says so. */
function distanceOf({ header, ...by }: Credentials): string | undefined {
  const { remoteAddress, proxyAddress } = by;
  // One that passes on what it gets and adds nothing looks like somebody here who asks for himself.
  if (proxyAddress !== undefined) return `server.trusted_proxies lists ${proxyAddress}`;
  if (!isLoopback(remoteAddress)) return `this was asked from ${remoteAddress}`;
  const mediator = mediatorOf(header);
  if (mediator !== undefined) return `the header ${mediator} shows a proxy between`;
  const [host, origin] = [header("host"), header("origin")];
  // A tunnel, or a name of somebody else's that a browser was told to find here.
  if (host !== undefined && !isLoopback(hostOf(`http://${host}`))) {
    return "the Host header names another machine";
  }
  const isOwnPage = origin === undefined || isLoopback(hostOf(origin));
  return isOwnPage ? undefined : "a page of another machine asks";
}

function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).hostname : "";
}
