import type { FaultCode } from "../core/faults.ts";
import {
  connectionOf,
  type HeaderReader,
  hasBody,
  isHostForwarded,
  type Seen,
  seenIn,
  tokensOf,
  upgradesToWebsocket,
} from "./handshake-headers.ts";
import { GATEWAY_FIX, NGINX_LINES, PATH_FIXES, proxyFixes } from "./proxy-fixes.ts";

/** Where websockets are answered. */
export const ENDPOINTS: readonly string[] = [
  "/connection/websocket",
  "/connection/uni_websocket",
  "/login",
];

/** Where devices get their commands: as a websocket if they ask for one, else as plain HTTP. */
const DEVICE_SOCKET = /^\/v1\/devices\/[^/]+\/commands\/stream$/;

/** The one subprotocol spoken here. What else is offered is passed over, as clients expect. */
const SUBPROTOCOL = "centrifuge-json";

/** Base64 of 16 bytes (RFC 6455 §4.1); the last digit's spare bits are let go. */
const KEY_PATTERN = /^[A-Za-z0-9+/]{22}==$/;

const FOUND_MAX_CHARS = 80;

/** Something that works here and fails elsewhere. */
export interface Oddity {
  readonly code: "connection_incomplete" | "connection_quoted" | "host_not_forwarded";
  /** What is odd, and how to mend it. */
  readonly text: string;
}

/** A handshake to accept. */
export interface HandshakeOffer {
  readonly kind: "upgrade";
  /** The subprotocol to confirm; absent confirms none. */
  readonly protocol?: string;
  readonly oddities: readonly Oddity[];
  readonly seen: Seen;
}

/** A handshake to refuse, and what would make it work. */
export interface HandshakeRefusal {
  readonly kind: "refused";
  readonly status: 400 | 404 | 426;
  readonly code: FaultCode;
  readonly detail: string;
  readonly seen: Seen;
  /** One line for each proxy that may stand in front. */
  readonly fix: readonly string[];
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: HeaderReader;
}

type Objection = Omit<HandshakeRefusal, "kind" | "seen">;

/**
 * Decides what a request wants of us: nothing but HTTP, a websocket, or a websocket it cannot have.
 *
 * The runtimes differ in what they let through, so this is stricter than both where an answer would
 * be wrong, and as lenient as the more lenient one where a proxy forgot the Connection header.
 */
export function checkHandshake(
  method: string,
  path: string,
  headers: HeaderReader,
): { readonly kind: "plain" } | HandshakeOffer | HandshakeRefusal {
  const asked = { method, path, headers };
  if (!concernsWebsockets(asked)) return { kind: "plain" };
  const objection =
    wrongPath(asked) ??
    notMeant(asked) ??
    wrongUpgrade(asked) ??
    wrongKey(asked) ??
    wrongVersion(asked) ??
    wrongForm(asked);
  const seen = seenIn(headers);
  return objection === undefined ? offer(headers, seen) : { kind: "refused", ...objection, seen };
}

/** Whether websockets are for devices on this path, which its route lets in by their secrets. */
export function isDeviceSocket(path: string): boolean {
  return DEVICE_SOCKET.test(path);
}

/** Tells why the runtime refused what {@link checkHandshake} had found good enough. */
export function refusedByRuntime({ oddities, seen }: HandshakeOffer): HandshakeRefusal {
  const isConnectionOdd = oddities.some(({ code }) => code !== "host_not_forwarded");
  if (isConnectionOdd) {
    const detail =
      "'upgrade' token not found in 'Connection' header, on which this runtime insists";
    const fix = proxyFixes([NGINX_LINES.connection]);
    return { kind: "refused", status: 426, code: "upgrade_missing", detail, seen, fix };
  }
  const detail = "the runtime did not accept it";
  return { kind: "refused", status: 400, code: "handshake_refused", detail, seen, fix: [] };
}

/**
 * Proxies pass the key and the version on even when they strip the rest. A post behind a constant
 * `Connection: upgrade`, or a constant `Upgrade` even, has neither and is meant as it is.
 */
function concernsWebsockets({ method, path, headers }: Asked): boolean {
  const isGet = method === "GET";
  if (isDeviceSocket(path)) return isGet && (isSigned(headers) || upgradesToWebsocket(headers));
  return ENDPOINTS.includes(path) ? isGet || isSigned(headers) : isGet && isSigned(headers);
}

function isSigned(headers: HeaderReader): boolean {
  return headers.get("sec-websocket-key") !== null || headers.get("sec-websocket-version") !== null;
}

function wrongPath({ path }: Asked): Objection | undefined {
  if (ENDPOINTS.includes(path) || isDeviceSocket(path)) return undefined;
  const suspicion = ENDPOINTS.some((it) => path.endsWith(it))
    ? "is your proxy keeping a prefix that it should strip?"
    : "is your proxy stripping the prefix?";
  const endpoints = ENDPOINTS.join(", ");
  const detail = `got a WebSocket handshake on ${clip(path)}; endpoints are ${endpoints} - ${suspicion}`;
  return { status: 404, code: "path_unknown", detail, fix: PATH_FIXES };
}

/** Somebody only looks, with a browser or curl. */
function notMeant({ headers }: Asked): Objection | undefined {
  if (isSigned(headers) || upgradesToWebsocket(headers)) return undefined;
  const detail = "this path speaks the websocket protocol only, and the request is no handshake";
  const fix = ['Open it with new WebSocket("wss://…")', GATEWAY_FIX];
  return { status: 426, code: "websocket_expected", detail, fix };
}

function wrongUpgrade({ headers }: Asked): Objection | undefined {
  if (upgradesToWebsocket(headers)) return undefined;
  const refusal = { status: 426, code: "upgrade_missing" } as const;
  if (connectionOf(headers) === "complete") {
    const detail = "'websocket' token not found in 'Upgrade' header";
    return { ...refusal, detail, fix: proxyFixes([NGINX_LINES.upgrade]) };
  }
  const { version, upgrade, connection } = NGINX_LINES;
  const detail = "your proxy removed the Upgrade header, as it does when it speaks HTTP/1.0";
  return { ...refusal, detail, fix: proxyFixes([version, upgrade, connection]) };
}

function wrongKey({ headers }: Asked): Objection | undefined {
  const key = headers.get("sec-websocket-key");
  if (key !== null && KEY_PATTERN.test(key)) return undefined;
  const found =
    key === null ? "got no Sec-WebSocket-Key" : `got the Sec-WebSocket-Key ${clip(key)}`;
  return malformed(
    `${found}, wanted base64 of 16 bytes`,
    "Let a websocket client make the handshake",
  );
}

function wrongVersion({ headers }: Asked): Objection | undefined {
  const version = headers.get("sec-websocket-version");
  if (version === "13") return undefined;
  const found = version === null ? "got no Sec-WebSocket-Version" : `got version ${clip(version)}`;
  const fix = ["Use a client that speaks RFC 6455, which is version 13"];
  return { status: 426, code: "version_unsupported", detail: `${found}, wanted 13`, fix };
}

function wrongForm({ method, headers }: Asked): Objection | undefined {
  if (method !== "GET") {
    return malformed(`got the method ${clip(method)}, wanted GET`, "Open the websocket with GET");
  }
  // Bun would switch at once, and take for frames what comes of the body later.
  if (!hasBody(headers)) return undefined;
  return malformed("got a body with the handshake", "Send no body with the handshake");
}

function malformed(detail: string, fix: string): Objection {
  return { status: 400, code: "handshake_malformed", detail, fix: [fix] };
}

function offer(headers: HeaderReader, seen: Seen): HandshakeOffer {
  const offered = tokensOf(headers.get("sec-websocket-protocol"));
  return {
    kind: "upgrade",
    ...(offered.includes(SUBPROTOCOL) && { protocol: SUBPROTOCOL }),
    oddities: odditiesOf(headers),
    seen,
  };
}

function odditiesOf(headers: HeaderReader): Oddity[] {
  const oddities: Oddity[] = [];
  const connection = connectionOf(headers);
  if (connection !== "complete") {
    const found = connection === "quoted" ? "has quotes around" : "lacks";
    const text = `Connection header ${found} 'upgrade'; other servers reject this; nginx: ${NGINX_LINES.connection}`;
    oddities.push({ code: `connection_${connection}`, text });
  }
  if (!isHostForwarded(headers)) {
    const text = `Host header is not what the page called: your proxy is not forwarding it; nginx: ${NGINX_LINES.host}`;
    oddities.push({ code: "host_not_forwarded", text });
  }
  return oddities;
}

function clip(text: string): string {
  return JSON.stringify(text.slice(0, FOUND_MAX_CHARS));
}
