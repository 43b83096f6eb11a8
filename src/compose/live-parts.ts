import { isDeepStrictEqual } from "node:util";
import { createApiKeys } from "../auth/api-keys.ts";
import { createKeySet } from "../auth/key-set.ts";
import { loadTokens } from "../auth/load-tokens.ts";
import type { KeySource } from "../auth/token-keys.ts";
import { createBackend } from "../callbacks/backend.ts";
import type { Config, ConfigLimits } from "../config/config.ts";
import type { Glob } from "../core/glob.ts";
import { type Live, livePart, liveRecord } from "../core/live.ts";
import type { Login } from "../core/logins.ts";
import { deviceRetention } from "../core/namespaces.ts";
import { parseOrigins } from "../core/origins.ts";
import { OWN_EVENT_TYPES, type OwnEventRules } from "../core/own-event.ts";
import type { ApiKeys } from "../core/ports/api-keys.ts";
import type { Backend } from "../core/ports/backend.ts";
import type { Courier } from "../core/ports/courier.ts";
import type { PushProvider } from "../core/ports/push.ts";
import type { TokenVerifier } from "../core/ports/tokens.ts";
import type { WebClient } from "../core/ports/web-client.ts";
import { createWebhookRoutes, type WebhookRoutes } from "../core/webhook-routes.ts";
import type { MetricsAccess } from "../http/metrics.ts";
import { createTrustedProxies, type TrustedProxies } from "../http/proxies/trusted-proxies.ts";
import { createPushProviders } from "../push/providers.ts";
import type { TracedLog } from "../telemetry/traced-log.ts";
import type { WebhookEndpoint } from "../webhooks/delivery.ts";
import { createWebhookEndpoints } from "../webhooks/endpoints.ts";
import { createSigner } from "../webhooks/signature.ts";
import { loginsOf, type SessionParts, sessionPartsOf } from "./logins.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * What is made of a configuration and may take the place of what an earlier one gave while the server
 * runs. Nothing here works by itself: a part that is not used any more needs no end.
 */
export interface LiveParts {
  readonly config: Config;
  readonly apiKeys: ApiKeys;
  readonly metricsAccess: MetricsAccess;
  /** Undefined: no terminal may enroll. */
  readonly fleetKeys: ApiKeys | undefined;
  readonly allowedOrigins: readonly Glob[];
  readonly proxies: TrustedProxies;
  readonly routes: WebhookRoutes;
  readonly ownEvents: OwnEventRules;
  /** The same object as before where nothing has changed. */
  readonly webhooks: readonly WebhookEndpoint[];
  readonly pushProviders: ReadonlyMap<string, PushProvider>;
  /** The keys at `tokens.jwks_url`, with what was learned of them. */
  readonly published: KeySource | undefined;
  /** Undefined: there is no key. */
  readonly tokens: TokenVerifier | undefined;
  readonly backend: Backend;
  readonly logins: ReadonlyMap<string, Login>;
  readonly sessions: SessionParts;
}

export interface PartsSurroundings extends Surroundings {
  readonly courier: Courier;
  readonly web: WebClient;
  readonly traced: TracedLog;
}

type Making = Pick<PartsSurroundings, "clock" | "entropy" | "log" | "courier" | "web">;

/**
 * Makes them, and takes over from those before what would lose something. Throws `config_invalid` where
 * a file that the configuration names is of no use.
 */
export async function makeLiveParts(
  config: Config,
  around: Making,
  before?: LiveParts,
): Promise<LiveParts> {
  const { api, devices, clients, callbacks, namespaces } = config;
  const published = publishedKeys(config, around, before);
  const routes = createWebhookRoutes(
    config.webhooks.map(({ name, events }) => ({ endpoint: name, events })),
  );
  const isAsBefore = isDeepStrictEqual(before?.config.callbacks, callbacks);
  return {
    config,
    apiKeys: createApiKeys(api.keys),
    metricsAccess: metricsAccessOf(config),
    fleetKeys: devices.fleetKeys.length > 0 ? createApiKeys(devices.fleetKeys) : undefined,
    allowedOrigins: parseOrigins(clients.allowedOrigins),
    proxies: createTrustedProxies(config.server),
    routes,
    ownEvents: {
      retention: deviceRetention(namespaces),
      endpoints: Object.fromEntries(OWN_EVENT_TYPES.map((type) => [type, routes(type)])),
    },
    webhooks: endpointsOf(config, before),
    // Made anew each time: the files they read may have changed.
    pushProviders: await createPushProviders(config.push, { ...around, createSigner }),
    published,
    tokens: await loadTokens(config.tokens, { ...around, ...(published && { published }) }),
    // One alone counts the questions that are asked at a time.
    backend:
      before !== undefined && isAsBefore
        ? before.backend
        : createBackend({ ...callbacks, web: around.web }),
    logins: loginsOf(config, around),
    sessions: sessionPartsOf(config, around, before?.sessions),
  };
}

function metricsAccessOf({ metrics }: Config): MetricsAccess {
  const { keys, ...rest } = metrics;
  return { ...rest, keys: createApiKeys(keys), hasKeys: keys.length > 0 };
}

/** The limits that an operator may change, as they are at any time. */
export function liveLimits(live: Live<LiveParts>): ConfigLimits {
  return liveRecord(livePart(live, ({ config }) => config.limits));
}

/** While the issuer cannot be reached, what is known of its keys is all there is. */
function publishedKeys(
  { tokens }: Config,
  around: Making,
  before: LiveParts | undefined,
): KeySource | undefined {
  const { jwksUrl: url } = tokens;
  if (url === undefined) return undefined;
  const isAsBefore = before?.config.tokens.jwksUrl === url;
  return (isAsBefore && before.published) || createKeySet({ url, ...around });
}

/** One that has not changed goes on with its pauses, and stays off where it wants nothing any more. */
function endpointsOf(
  { webhooks }: Config,
  before: LiveParts | undefined,
): readonly WebhookEndpoint[] {
  return webhooks.flatMap((settings) => {
    const { name, url, secret } = settings;
    const isAsBefore = before?.config.webhooks.some((it) => {
      return it.name === name && it.url === url && it.secret === secret;
    });
    const known = before?.webhooks.find((it) => it.name === name);
    return isAsBefore && known ? known : createWebhookEndpoints([settings]);
  });
}
