import { z } from "zod";
import { parseAddressRange } from "../core/address-range.ts";
import { DEVICE_NAMESPACE } from "../core/channel.ts";
import { Acme } from "./acme-schema.ts";
import { Api } from "./api-schema.ts";
import { Callbacks } from "./callbacks-schema.ts";
import { Clients } from "./clients-schema.ts";
import { Devices } from "./devices-schema.ts";
import {
  choice,
  count,
  duration,
  flag,
  optionalCount,
  optionalText,
  text,
  textList,
} from "./fields.ts";
import { Limits } from "./limits-schema.ts";
import { Logins, Login as NamedLogin } from "./logins-schema.ts";
import { Metrics } from "./metrics-schema.ts";
import { Push } from "./push-schema.ts";
import { Sessions } from "./sessions-schema.ts";
import { isPath } from "./text-rules.ts";
import { Certificate, Tls } from "./tls-schema.ts";
import { Tokens } from "./tokens-schema.ts";
import { Webhook } from "./webhooks-schema.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** The name under which channels outside any namespace are configured. */
export const DEFAULT_NAMESPACE = "default";

const Server = z.strictObject({
  host: text("0.0.0.0", {
    wanted: 'an address or a host name without a port, such as "0.0.0.0", "::" or "127.0.0.1"',
    description:
      'Where to listen. "0.0.0.0" is every IPv4 address of the machine, "::" every address. With --dev this key is ignored and the loopback address is used unless --host says otherwise.',
    isRight: isHost,
  }),
  port: count("TCP port", {
    min: 0,
    max: 65_535,
    fallback: 8077,
    description: "The one port for everything. 0 lets the system choose a free one.",
  }),
  data: text("./data", {
    wanted: "the path of a directory",
    description:
      "The directory of the embedded store. It is made when it is missing. With --dev this key is ignored and everything stays in memory unless --data says otherwise.",
    isRight: isPath,
  }),
  public_url: optionalText({
    wanted: 'an http or https URL without a query, such as "https://push.example.com"',
    description:
      "How clients and devices reach this server from outside. Its host must be covered by the certificate. Behind a proxy set it: without it the url of a ticket has the host and the scheme by which the ticket was asked for.",
    isRight: isPublicUrl,
  }),
  http_port: optionalCount("TCP port", {
    min: 0,
    max: 65_535,
    description:
      "One more port, for plain http beside TLS; usually 80. 0 lets the system choose a free one.",
  }),
  http_serves: choice(
    ["redirect", "everything"],
    "redirect",
    "What there is at http_port: redirect sends everything but /healthz and /readyz to https; everything is the whole server in plain text, for a network that is all yours.",
  ),
  devices_port: optionalCount("TCP port", {
    min: 0,
    max: 65_535,
    description:
      "One more port, for devices that show a certificate of tls.client_ca, and for nobody else; 0 lets the system choose a free one. Their secrets still say who they are.",
  }),
  trusted_proxies: textList({
    wanted:
      'a list of addresses and ranges of them, such as ["127.0.0.1", "::1", "10.0.0.0/8"], without a range of all',
    description:
      "The proxies in front of this server whose word is taken on who asks. Each must set client_address_header itself: one that passes on what a client wrote lets clients choose their addresses. What others send in that header is not read.",
    isRight: (range) => parseAddressRange(range) !== undefined,
  }),
  client_address_header: choice(
    ["x-forwarded-for", "forwarded", "x-real-ip"],
    "x-forwarded-for",
    "The header in which trusted_proxies name whoever asked them. The others are not read. It counts from its end: the client is the last address in it that is no trusted proxy.",
  ),
});

const Store = z.strictObject({
  sync: choice(
    ["full", "normal"],
    "full",
    "When a write counts as stored: full survives a power cut; normal is faster and may lose the last acknowledged posts then.",
  ),
});

const Login = z.strictObject({
  reply: text("reply", {
    wanted: "a text of at most 1000 characters",
    description:
      'What /login answers to a text that is no JSON object, for a check by hand in a browser console. "" turns it off.',
    isRight: (reply) => reply.length <= 1000,
  }),
  visitors: flag(
    true,
    "Let someone without credentials connect to /login. A visitor is no user, has no channels and gets nothing but the reply.",
  ),
});

const Log = z.strictObject({
  level: choice(["debug", "info", "warn", "error"], "info", "The least important lines to write."),
  format: choice(
    ["auto", "json", "text"],
    "auto",
    "How lines look; auto is text on a terminal and JSON elsewhere.",
  ),
});

const Namespace = namespaceSchema(0);
const DeviceNamespace = namespaceSchema(1000);

const Channels = z
  .object({
    [DEVICE_NAMESPACE]: DeviceNamespace.prefault({}),
    [DEFAULT_NAMESPACE]: Namespace.prefault({}),
  })
  .catchall(Namespace);

/** The sections whose tables the operator names, and what a name is called there. */
export const NAMED_SECTIONS = {
  certificates: "name",
  channels: "namespace",
  logins: "name",
  push: "name",
  webhooks: "name",
} as const;

/** The schema of every other section. */
export const SECTIONS = {
  server: Server,
  tls: Tls,
  acme: Acme,
  store: Store,
  tokens: Tokens,
  api: Api,
  callbacks: Callbacks,
  clients: Clients,
  login: Login,
  sessions: Sessions,
  devices: Devices,
  limits: Limits,
  log: Log,
  metrics: Metrics,
} as const;

/** The keys of a table in one of {@link NAMED_SECTIONS}; undefined in any other section. */
export function shapeOfNamed(
  section: string,
  name: string,
): Readonly<Record<string, z.ZodType>> | undefined {
  switch (section) {
    case "certificates":
      return Certificate.shape;
    case "channels":
      // What Posthorn does not know by name is a namespace of the operator's.
      return name === DEVICE_NAMESPACE ? DeviceNamespace.shape : Namespace.shape;
    case "logins":
      return NamedLogin.shape;
    case "push":
      return Push.shape;
    case "webhooks":
      return Webhook.shape;
    default:
      return undefined;
  }
}

/** The whole configuration as files write it. */
export const ConfigSchema = z.strictObject({
  server: Server.prefault({}),
  tls: Tls.prefault({}),
  acme: Acme.prefault({}),
  certificates: z.record(z.string(), Certificate).prefault({}),
  store: Store.prefault({}),
  tokens: Tokens.prefault({}),
  api: Api.prefault({}),
  callbacks: Callbacks.prefault({}),
  clients: Clients.prefault({}),
  login: Login.prefault({}),
  logins: Logins.prefault({}),
  sessions: Sessions.prefault({}),
  devices: Devices.prefault({}),
  channels: Channels.prefault({}),
  push: z.record(z.string(), Push).prefault({}),
  webhooks: z.record(z.string(), Webhook).prefault({}),
  limits: Limits.prefault({}),
  log: Log.prefault({}),
  metrics: Metrics.prefault({}),
});

/** What a valid configuration says, under the names and in the shape of the file. */
export type FileConfig = z.infer<typeof ConfigSchema>;

function namespaceSchema(historySize: number) {
  return z.strictObject({
    history_size: count("publications", {
      min: 0,
      max: 1_000_000,
      fallback: historySize,
      description: "How many publications of one channel are kept for recovery. 0 keeps none.",
    }),
    history_ttl: duration({
      min: 1000,
      max: 365 * DAY_MS,
      fallback: DAY_MS,
      description: "How long a publication is kept.",
    }),
    history_meta_ttl: duration({
      min: 1000,
      max: 3650 * DAY_MS,
      fallback: 30 * DAY_MS,
      description:
        "How long a channel without new publications keeps its place (epoch and offset), but never shorter than history_ttl. After that it starts anew, and clients that come back are told that they cannot recover.",
    }),
    force_recovery: flag(
      true,
      "Let every subscription recover what it missed, also when the client does not ask. Needs history.",
    ),
    recovery_mode: choice(
      ["stream", "cache"],
      "stream",
      "What a client gets that comes back: stream is all it missed, cache only the newest publication.",
    ),
    presence: flag(false, "Keep the list of who is subscribed."),
    join_leave: flag(false, "Tell who comes and goes to subscriptions that ask for it."),
    force_join_leave: flag(false, "Tell it also to those that do not ask. Needs join_leave."),
    delta: flag(false, "Let subscriptions ask for differences (fossil) instead of whole data."),
    allow_subscribe: flag(
      false,
      "Let every signed-in client subscribe. Otherwise a client needs a token or a device that allows it.",
    ),
    allow_subscribe_anonymous: flag(
      false,
      "Let every client subscribe, also one that is not signed in.",
    ),
    allow_publish: audience("publish"),
    allow_presence: audience("see who is there"),
    allow_history: audience("read the history"),
    subscribe_callback: flag(
      false,
      "Ask the backend who may subscribe (callbacks.subscribe), where nothing else allows it.",
    ),
    publish_callback: flag(
      false,
      "Ask the backend about each publication of a client (callbacks.publish).",
    ),
  });
}

function audience(what: string) {
  return choice(
    ["none", "subscriber", "client"],
    "none",
    `Who may ${what}: nobody, who is subscribed, or every signed-in client.`,
  );
}

function isHost(host: string): boolean {
  return /^[A-Za-z0-9._:%-]+$/.test(host) && !/^[^:]+:\d+$/.test(host);
}

function isPublicUrl(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, username, password, search, hash } = new URL(address);
  return /^https?:$/.test(protocol) && `${username}${password}${search}${hash}` === "";
}
