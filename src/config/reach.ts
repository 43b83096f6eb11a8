import type { FileConfig, NAMED_SECTIONS, SECTIONS } from "./schema.ts";

/** Whether a running server can take over a changed value, or only one that starts anew. */
export type Reach = "live" | "restart";

/** The compiler asks for every key; a section whose tables the operator names has one answer for all of them. */
type ReachByKey = {
  readonly [Section in keyof typeof SECTIONS]: {
    readonly [Key in keyof Required<FileConfig[Section]>]: Reach;
  };
} & { readonly [Section in keyof typeof NAMED_SECTIONS]: Reach };

/** What a reload changes, and what it only names. */
export const REACH: ReachByKey = {
  server: {
    host: "restart",
    port: "restart",
    data: "restart",
    public_url: "live",
    http_port: "restart",
    http_serves: "restart",
    devices_port: "restart",
    trusted_proxies: "live",
    client_address_header: "live",
  },
  tls: { cert: "restart", key: "restart", min_version: "restart", client_ca: "restart" },
  acme: {
    domains: "restart",
    email: "restart",
    accept_terms: "restart",
    directory: "restart",
    directory_ca: "restart",
    eab_kid: "restart",
    eab_key: "restart",
  },
  store: { sync: "restart" },
  tokens: {
    secret: "live",
    previous_secret: "live",
    allow_short_secret: "live",
    rsa_public_key: "live",
    ecdsa_public_key: "live",
    jwks_url: "live",
    audience: "live",
    issuer: "live",
    user_claim: "live",
  },
  api: { keys: "live", allow_short_keys: "live" },
  callbacks: {
    connect: "live",
    refresh: "live",
    subscribe: "live",
    publish: "live",
    rpc: "live",
    timeout: "live",
    headers: "live",
    authorization: "live",
  },
  clients: {
    allowed_origins: "live",
    user_channel: "live",
    // Whoever it has let in may do everything for as long as they stay.
    insecure: "restart",
  },
  login: { reply: "live", visitors: "live" },
  sessions: { secret: "live", previous_secret: "live", ttl: "live" },
  devices: {
    fleet_keys: "live",
    online_ttl: "live",
    offline_grace: "live",
    wake_interval: "live",
    // It was promised with every command that is being delivered.
    command_lease: "restart",
    require_certificate: "restart",
  },
  limits: {
    clients_max: "live",
    clients_per_user: "live",
    on_user_limit: "live",
    clients_per_address: "live",
    connections_per_address_per_second: "live",
    connections_per_address_burst: "live",
    channels_per_client: "live",
    channel_max_chars: "live",
    commands_per_second: "live",
    commands_burst: "live",
    commands_per_user_per_second: "live",
    commands_per_user_burst: "live",
    posts_per_device_per_second: "live",
    posts_per_device_burst: "live",
    requests_per_key_per_second: "live",
    requests_per_key_burst: "live",
    failures_per_address_per_second: "live",
    failures_per_address_burst: "live",
    frame_max_bytes: "live",
    queue_max_bytes: "live",
    recovery_max_publications: "live",
    recovery_max_bytes: "live",
    event_max_bytes: "live",
    body_max_bytes: "live",
    events_per_post: "live",
    ndjson_max_bytes: "live",
    greeting_timeout: "live",
    ping_interval: "live",
    pong_timeout: "live",
    body_timeout: "live",
    drain_spread: "live",
    drain_pace: "live",
    drain_timeout: "live",
  },
  log: { level: "live", format: "restart" },
  metrics: { keys: "live", local: "live", public: "live" },
  certificates: "restart",
  channels: "live",
  logins: "live",
  push: "live",
  webhooks: "live",
};
