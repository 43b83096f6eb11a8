import { isIP } from "node:net";

/** A server as whoever dials it knows it. */
export interface Target {
  /** As it is to be shown: without credentials or a query. */
  readonly url: string;
  readonly isSecure: boolean;
  /** A name or an address, the latter without brackets. */
  readonly host: string;
  readonly port: number;
  /** What the Host header has to say. */
  readonly authority: string;
  /** What stands before every path, without a slash at its end. */
  readonly prefix: string;
}

const SCHEMES: Readonly<Record<string, boolean>> = {
  "http:": false,
  "ws:": false,
  "https:": true,
  "wss:": true,
};

/** Endings that people copy along from where a client connects to. */
const ENDPOINTS = /(?:\/login|\/connection\/websocket|\/)$/;

/** Reads a URL, or a bare host, which is dialled by TLS as phones do; undefined for anything else. */
export function parseTarget(text: string): Target | undefined {
  const full = text.includes("://") ? text : `https://${text}`;
  if (!URL.canParse(full)) return undefined;
  const { protocol, hostname, host, port, pathname } = new URL(full);
  const isSecure = SCHEMES[protocol];
  if (isSecure === undefined || hostname === "") return undefined;
  const prefix = pathname.replace(ENDPOINTS, "");
  return {
    url: `http${isSecure ? "s" : ""}://${host}${prefix}`,
    isSecure,
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? (isSecure ? 443 : 80) : Number(port),
    authority: host,
    prefix,
  };
}

/** Whether there is a name to look up. */
export function isName(host: string): boolean {
  return isIP(host) === 0;
}

/** Addresses that mean something else, or nothing, to a phone outside. */
const PRIVATE_ADDRESS =
  /^(?:10\.|127\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|::1$|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:)/i;

/** Whether an address leads nowhere from outside its own network. */
export function isPrivateAddress(address: string): boolean {
  return PRIVATE_ADDRESS.test(address);
}
