import type { Config } from "../../config/config.ts";
import { LIMITS } from "../../core/limits.ts";
import { isLoopback } from "../../core/loopback.ts";

/** What a proxy in front of a server has to know of it. */
export interface ProxySetup {
  /** Where the server listens, as the proxy dials it. */
  readonly upstream: string;
  /** The server speaks TLS itself. */
  readonly isUpstreamSecure: boolean;
  /** How clients call the proxy. */
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
  /** "" or a path that begins with a slash, and does not end with one. */
  readonly prefix: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly bodyMaxBytes: number;
  /** How long nothing may come before the proxy cuts a connection. */
  readonly idleSeconds: number;
  readonly clientsMax: number;
  /** What posthorn.toml has to say. */
  readonly serverLines: readonly string[];
  /** What it says now and cannot with a proxy beside it. */
  readonly clashes: readonly string[];
}

/** What the command line says beside the configuration. */
export interface ProxyWishes {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly upstream?: string | undefined;
  /** The proxy's own address, where it is another machine. */
  readonly from?: string | undefined;
}

const EXAMPLE_URL = "https://push.example.com";
const DEFAULT_PORTS = { "http:": 80, "https:": 443 } as const;
const CHOSEN_PORTS = [8077, 8078, 8079, 8080] as const;
const REDIRECT_PORT = 80;
const IDLE_MIN_SECONDS = 120;

/** Finds out what a proxy has to know. */
export function proxySetupOf(config: Config, wishes: ProxyWishes): ProxySetup {
  const { server, tls, limits } = config;
  const url = new URL(server.publicUrl ?? EXAMPLE_URL);
  const isSecure = url.protocol === "https:";
  const port = Number(url.port) || DEFAULT_PORTS[isSecure ? "https:" : "http:"];
  const quietMs = Math.max(
    limits.pingIntervalMs + limits.pongTimeoutMs,
    LIMITS.heldMaxSeconds * 1000,
    LIMITS.streamCommentMs,
  );
  const ownPort = ownPortOf(server, port, wishes);
  const live = `/etc/letsencrypt/live/${url.hostname}`;
  return {
    upstream: wishes.upstream ?? upstreamOf(server.host, ownPort),
    isUpstreamSecure: tls !== undefined,
    ...{ host: url.hostname, port, isSecure, prefix: url.pathname.replace(/\/+$/, "") },
    certFile: wishes.cert ?? `${live}/fullchain.pem`,
    keyFile: wishes.key ?? `${live}/privkey.pem`,
    bodyMaxBytes: Math.max(limits.bodyMaxBytes, limits.ndjsonMaxBytes),
    idleSeconds: Math.max(IDLE_MIN_SECONDS, 2 * Math.ceil(quietMs / 1000)),
    clientsMax: limits.clientsMax,
    serverLines: serverLinesOf({ server, ownPort }, url, wishes),
    clashes: clashesOf({ server, ownPort }, port, wishes),
  };
}

function upstreamOf(host: string, port: number): string {
  const dialled = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return `${dialled.includes(":") ? `[${dialled}]` : dialled}:${port}`;
}

/** Where Posthorn listens with the proxy beside it: its own port, unless that becomes the proxy's. */
function ownPortOf(
  { port: configured, httpPort, devicesPort }: Config["server"],
  proxyPort: number,
  wishes: ProxyWishes,
): number {
  const taken: readonly (number | undefined)[] = [proxyPort, httpPort, devicesPort];
  const isTaken = isBeside(wishes) && configured === proxyPort;
  if (configured !== 0 && !isTaken) return configured;
  return CHOSEN_PORTS.find((it) => !taken.includes(it)) ?? CHOSEN_PORTS[0];
}

/** Whether the proxy is on the same machine, as far as the command line says. */
function isBeside({ from, upstream }: ProxyWishes): boolean {
  return from === undefined && upstream === undefined;
}

interface Own {
  readonly server: Config["server"];
  readonly ownPort: number;
}

function clashesOf({ server, ownPort }: Own, port: number, wishes: ProxyWishes): readonly string[] {
  if (!isBeside(wishes)) return [];
  const isMoved = server.port !== 0 && server.port !== ownPort;
  const { httpPort } = server;
  const isHttpTaken = httpPort !== undefined && (httpPort === port || httpPort === REDIRECT_PORT);
  return [
    ...(isMoved
      ? [
          `server.port is ${server.port} now, where the proxy is to listen: it has to change to ${ownPort}.`,
        ]
      : []),
    ...(isHttpTaken
      ? [`server.http_port is ${httpPort}, which is the proxy's: it has to go.`]
      : []),
  ];
}

function serverLinesOf({ server, ownPort }: Own, url: URL, { from }: ProxyWishes) {
  const isOpen = server.host === "0.0.0.0" || server.host === "::";
  const own = isOpen || isLoopback(server.host) ? ["127.0.0.1", "::1"] : [server.host];
  const trusted = new Set([...server.trustedProxies, ...(from === undefined ? own : [from])]);
  return [
    "[server]",
    // Nobody gets past the proxy, where nothing of it is needed from elsewhere.
    ...(isOpen && from === undefined ? ['host = "127.0.0.1"'] : []),
    ...(server.port === ownPort ? [] : [`port = ${ownPort}`]),
    `public_url = ${JSON.stringify(url.href.replace(/\/+$/, ""))}`,
    `trusted_proxies = [${[...trusted].map((it) => JSON.stringify(it)).join(", ")}]`,
    'client_address_header = "x-forwarded-for"',
  ];
}

/** Comment lines that all three have at their head. */
export function headOf(
  { serverLines, clashes, isUpstreamSecure }: ProxySetup,
  { name, file, reload }: { readonly name: string; readonly file: string; readonly reload: string },
): readonly string[] {
  return [
    `${name} in front of Posthorn. Save it as ${file}, then run:`,
    `  ${reload}`,
    "",
    "For it posthorn.toml says:",
    "",
    ...serverLines.map((line) => `  ${line}`),
    ...(clashes.length === 0 ? [] : ["", ...clashes, "Restart Posthorn before the proxy."]),
    ...(isUpstreamSecure
      ? ["", "Posthorn speaks TLS itself here. It need not behind a proxy: [tls] may go."]
      : []),
    "",
    "X-Forwarded-For is set, never lengthened: what a client writes there does not arrive. Where a CDN or a",
    "balancer stands before this proxy, say so to this proxy, not to Posthorn.",
  ].map((line) => `# ${line}`.trimEnd());
}
