import { join, resolve } from "node:path";
import type { LIMITS } from "../core/limits.ts";
import type { Namespace, Namespaces } from "../core/namespaces.ts";
import { type LoginConfig, toLogin } from "./logins-schema.ts";
import { type PushConfig, toPush } from "./push-schema.ts";
import { DEFAULT_NAMESPACE, type FileConfig } from "./schema.ts";
import type { ConfigSources } from "./sources.ts";
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
  };
  /** Absent: plain http and ws. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
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
}

/** The limits an operator may change, under the names of `LIMITS`. */
export type ConfigLimits = ReturnType<typeof toLimits>;

const DATABASE_FILE = "posthorn.db";
const LOOPBACK = "127.0.0.1";
/** A developer's pages come from whatever port serves them. */
const LOOPBACK_ORIGINS = ["http{,s}://{localhost,127.0.0.1,\\[::1\\]}{,:*}"];

/** Gives the checked values of files, variables and flags their final form. */
export function toConfig(values: FileConfig, { flags, cwd }: ConfigSources): Config {
  const { server, tls, store, tokens, api, callbacks, login, channels, limits, log } = values;
  const dev = flags.dev ?? false;
  const pathOf = (path: string): string => (cwd === undefined ? path : resolve(cwd, path));
  const { cert, key } = tls;
  return {
    dev,
    server: {
      host: dev ? (flags.host ?? LOOPBACK) : server.host,
      port: server.port,
      ...(server.public_url !== undefined && { publicUrl: server.public_url }),
    },
    ...(cert !== undefined &&
      key !== undefined && { tls: { certFile: pathOf(cert), keyFile: pathOf(key) } }),
    store: {
      location:
        dev && flags.data === undefined
          ? "memory"
          : { file: join(pathOf(server.data), DATABASE_FILE) },
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

function toLimits(limits: FileConfig["limits"]) {
  return {
    clientsMax: limits.clients_max,
    clientsPerUser: limits.clients_per_user,
    clientsPerAddress: limits.clients_per_address,
    connectionsPerAddressPerSecond: limits.connections_per_address_per_second,
    connectionsPerAddressBurst: limits.connections_per_address_burst,
    channelsPerClient: limits.channels_per_client,
    channelMaxChars: limits.channel_max_chars,
    commandsPerSecond: limits.commands_per_second,
    commandsBurst: limits.commands_burst,
    frameMaxBytes: limits.frame_max_bytes,
    queueMaxBytes: limits.queue_max_bytes,
    recoveryMaxPublications: limits.recovery_max_publications,
    recoveryMaxBytes: limits.recovery_max_bytes,
    eventMaxBytes: limits.event_max_bytes,
    bodyMaxBytes: limits.body_max_bytes,
    eventsPerPost: limits.events_per_post,
    ndjsonMaxBytes: limits.ndjson_max_bytes,
    greetingTimeoutMs: limits.greeting_timeout,
    pingIntervalMs: limits.ping_interval,
    pongTimeoutMs: limits.pong_timeout,
    bodyTimeoutMs: limits.body_timeout,
    drainSpreadMs: limits.drain_spread,
    drainTimeoutMs: limits.drain_timeout,
  } satisfies Partial<Record<keyof typeof LIMITS, number>>;
}
