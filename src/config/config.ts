import { join, resolve } from "node:path";
import type { Namespace, Namespaces } from "../core/namespaces.ts";
import { toAcme } from "./acme-schema.ts";
import { toLimits } from "./limits.ts";
import { type LoginConfig, toLogin } from "./logins-schema.ts";
import { type PushConfig, toPush } from "./push-schema.ts";
import { DEFAULT_NAMESPACE, type FileConfig } from "./schema.ts";
import type { ConfigSources } from "./sources.ts";
import { type TlsConfig, toTls } from "./tls-schema.ts";
import { toWebhook, type WebhookConfig } from "./webhooks-schema.ts";

/** A checked configuration, with the units in the names. */
export interface Config {
  /** Development: everyone may do everything. */
  readonly dev: boolean;
  readonly server: {
    readonly host: string;
    /** 0 lets the system choose. */
    readonly port: number;
    readonly publicUrl?: string;
    /** Absent: only TLS is spoken, or only http. 0 lets the system choose. */
    readonly httpPort?: number;
    readonly httpServes: "redirect" | "everything";
    /** Where devices show certificates. Absent: nowhere. 0 lets the system choose. */
    readonly devicesPort?: number;
    /** Addresses and ranges of them. */
    readonly trustedProxies: readonly string[];
    readonly clientAddressHeader: "x-forwarded-for" | "forwarded" | "x-real-ip";
  };
  /** Absent: plain http and ws. */
  readonly tls?: TlsConfig;
  readonly store: {
    readonly location: { readonly file: string } | "memory";
    readonly sync: "full" | "normal";
  };
  readonly tokens: {
    readonly secret?: string;
    readonly previousSecret?: string;
    readonly rsaPublicKeyFile?: string;
    readonly ecdsaPublicKeyFile?: string;
    readonly jwksUrl?: string;
    readonly audience?: string;
    readonly issuer?: string;
    /** The claim that names the user. */
    readonly userClaim: string;
  };
  readonly api: {
    /** Any of them lets the backend in. */
    readonly keys: readonly string[];
  };
  readonly devices: {
    /** Any of them lets a terminal enroll. */
    readonly fleetKeys: readonly string[];
    /** How long a post keeps its device online. */
    readonly onlineTtlMs: number;
    /** A gap that is shorter is no transition. */
    readonly offlineGraceMs: number;
    /** Between two wake-ups of one device. */
    readonly wakeIntervalMs: number;
    readonly commandLeaseMs: number;
    /** Only certified ones are let in. */
    readonly requireCertificate: boolean;
  };
  readonly callbacks: {
    /** What is absent is not asked. */
    readonly urls: {
      readonly connect?: string;
      readonly refresh?: string;
      readonly subscribe?: string;
      readonly publish?: string;
      readonly rpc?: string;
    };
    readonly timeoutMs: number;
    /** Names of client headers to pass on, in lower case. */
    readonly headers: readonly string[];
    /** The Authorization header to send. */
    readonly authorization?: string;
  };
  readonly clients: {
    /** Patterns of origins whose pages may connect, beside those of our own host. */
    readonly allowedOrigins: readonly string[];
    /** Whom it hits that a user has too many clients: the newest, or the oldest. */
    readonly onUserLimit: "refuse" | "replace";
    /** Signed-in clients are subscribed to the channel of their user. */
    readonly userChannel: boolean;
    /** Everyone may connect and do everything; always so in development. */
    readonly insecure: boolean;
  };
  readonly login: {
    /** "" is turned off. */
    readonly reply: string;
    readonly visitors: boolean;
  };
  /** By the names under which mini-programs know them. */
  readonly logins: ReadonlyMap<string, LoginConfig>;
  readonly sessions: {
    readonly ttlMs: number;
    readonly secret?: string;
    readonly previousSecret?: string;
  };
  readonly namespaces: Namespaces;
  /** By the names under which devices know them. */
  readonly push: ReadonlyMap<string, PushConfig>;
  readonly webhooks: readonly WebhookConfig[];
  readonly limits: ConfigLimits;
  readonly log: {
    readonly level: "debug" | "info" | "warn" | "error";
    readonly format: "auto" | "json" | "text";
  };
  readonly metrics: {
    /** Any of them lets somebody read. */
    readonly keys: readonly string[];
    /** Whoever asks from the machine itself needs none. */
    readonly local: boolean;
    /** Nobody needs one. */
    readonly public: boolean;
  };
}

/** The limits an operator may change, under the names of `LIMITS`. */
export type ConfigLimits = ReturnType<typeof toLimits>;

const DATABASE_FILE = "posthorn.db";
const ACME_DIRECTORY = "acme";
/** Authorities look nowhere else. */
const CHALLENGES_PORT = 80;
const LOOPBACK = "127.0.0.1";
/** A developer's pages come from whatever port serves them. */
const LOOPBACK_ORIGINS = ["http{,s}://{localhost,127.0.0.1,\\[::1\\]}{,:*}"];

/** Gives the checked values of files, variables and flags their final form. */
export function toConfig(values: FileConfig, { flags, cwd }: ConfigSources): Config {
  const { server, store, tokens, api, callbacks, login, channels, limits, log } = values;
  const dev = flags.dev ?? false;
  const pathOf = (path: string): string => (cwd === undefined ? path : resolve(cwd, path));
  const isInMemory = dev && flags.data === undefined;
  const acme = isInMemory
    ? undefined
    : toAcme(values.acme, pathOf, join(pathOf(server.data), ACME_DIRECTORY));
  const tls = toTls(values, acme, pathOf);
  return {
    dev,
    server: {
      ...(acme && { httpPort: CHALLENGES_PORT }),
      ...toServer(server, dev ? (flags.host ?? LOOPBACK) : server.host),
    },
    ...(tls && { tls }),
    store: {
      location: isInMemory ? "memory" : { file: join(pathOf(server.data), DATABASE_FILE) },
      sync: store.sync,
    },
    tokens: toTokens(tokens, pathOf),
    api: { keys: api.keys },
    devices: toDevices(values.devices),
    callbacks: toCallbacks(callbacks),
    clients: {
      allowedOrigins: toAllowedOrigins(values, dev),
      onUserLimit: limits.on_user_limit,
      userChannel: values.clients.user_channel,
      insecure: dev || values.clients.insecure,
    },
    login,
    logins: new Map(Object.entries(values.logins).map(([name, it]) => [name, toLogin(name, it)])),
    sessions: toSessions(values.sessions),
    namespaces: toNamespaces(channels),
    push: new Map(Object.entries(values.push).map(([name, it]) => [name, toPush(it, pathOf)])),
    webhooks: Object.entries(values.webhooks).map(([name, it]) => toWebhook(name, it)),
    limits: toLimits(limits),
    log,
    metrics: values.metrics,
  };
}

function toServer(server: FileConfig["server"], host: string): Config["server"] {
  const { port, public_url, http_port, http_serves, devices_port } = server;
  return {
    host,
    port,
    ...(public_url !== undefined && { publicUrl: public_url }),
    ...(http_port !== undefined && { httpPort: http_port }),
    httpServes: http_serves,
    ...(devices_port !== undefined && { devicesPort: devices_port }),
    trustedProxies: server.trusted_proxies,
    clientAddressHeader: server.client_address_header,
  };
}

function toAllowedOrigins({ clients, server }: FileConfig, dev: boolean): string[] {
  const { public_url } = server;
  return [
    ...clients.allowed_origins,
    ...(public_url === undefined ? [] : [new URL(public_url).origin]),
    ...(dev ? LOOPBACK_ORIGINS : []),
  ];
}

function toTokens(
  tokens: FileConfig["tokens"],
  pathOf: (path: string) => string,
): Config["tokens"] {
  const { secret, previous_secret, rsa_public_key, ecdsa_public_key } = tokens;
  const { jwks_url, audience, issuer, user_claim } = tokens;
  return {
    ...(secret !== undefined && { secret }),
    ...(previous_secret !== undefined && { previousSecret: previous_secret }),
    ...(rsa_public_key !== undefined && { rsaPublicKeyFile: pathOf(rsa_public_key) }),
    ...(ecdsa_public_key !== undefined && { ecdsaPublicKeyFile: pathOf(ecdsa_public_key) }),
    ...(jwks_url !== undefined && { jwksUrl: jwks_url }),
    ...(audience !== undefined && { audience }),
    ...(issuer !== undefined && { issuer }),
    userClaim: user_claim,
  };
}

function toDevices(devices: FileConfig["devices"]): Config["devices"] {
  return {
    fleetKeys: devices.fleet_keys,
    onlineTtlMs: devices.online_ttl,
    offlineGraceMs: devices.offline_grace,
    wakeIntervalMs: devices.wake_interval,
    commandLeaseMs: devices.command_lease,
    requireCertificate: devices.require_certificate,
  };
}

function toSessions(sessions: FileConfig["sessions"]): Config["sessions"] {
  const { secret, previous_secret, ttl } = sessions;
  return {
    ttlMs: ttl,
    ...(secret !== undefined && { secret }),
    ...(previous_secret !== undefined && { previousSecret: previous_secret }),
  };
}

function toCallbacks(callbacks: FileConfig["callbacks"]): Config["callbacks"] {
  const { connect, refresh, subscribe, publish, rpc, timeout, headers, authorization } = callbacks;
  return {
    urls: {
      ...(connect !== undefined && { connect }),
      ...(refresh !== undefined && { refresh }),
      ...(subscribe !== undefined && { subscribe }),
      ...(publish !== undefined && { publish }),
      ...(rpc !== undefined && { rpc }),
    },
    timeoutMs: timeout,
    headers: [...new Set(headers.map((name) => name.toLowerCase()))],
    ...(authorization !== undefined && { authorization }),
  };
}

function toNamespaces(channels: FileConfig["channels"]): Namespaces {
  const entries = Object.entries(channels).map(([name, rules]): [string, Namespace] => [
    name === DEFAULT_NAMESPACE ? "" : name,
    {
      ...(rules.history_size > 0 && {
        retention: {
          sizeMax: rules.history_size,
          ttlMs: rules.history_ttl,
          metaTtlMs: Math.max(rules.history_meta_ttl, rules.history_ttl),
        },
      }),
      forceRecovery: rules.force_recovery,
      recoveryMode: rules.recovery_mode,
      presence: rules.presence,
      joinLeave: rules.join_leave,
      forceJoinLeave: rules.force_join_leave,
      delta: rules.delta,
      allowSubscribe: rules.allow_subscribe,
      allowSubscribeAnonymous: rules.allow_subscribe_anonymous,
      allowPublish: rules.allow_publish,
      allowPresence: rules.allow_presence,
      allowHistory: rules.allow_history,
      subscribeCallback: rules.subscribe_callback,
      publishCallback: rules.publish_callback,
    },
  ]);
  return new Map(entries);
}
