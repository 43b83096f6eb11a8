import { isIP } from "node:net";

/** A name a certificate can be made for: canonical, lower case. */
export interface HostName {
  readonly type: "dns" | "ip";
  readonly value: string;
}

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const NAME_MAX_CHARS = 253;

/** Reads a DNS name (also with a wildcard) or an IP address, bracketed or not; `undefined` for anything else. */
export function parseHostName(text: string): HostName | undefined {
  return parseIp(text.replace(/^\[(.*)\]$/, "$1")) ?? parseDns(text);
}

/**
 * Answers whether a client that dials `host` accepts a certificate with `names` (RFC 9525 §6.3).
 *
 * A wildcard is a whole left-most label and stands for exactly one; an address needs its own entry.
 */
export function namesCover(names: readonly HostName[], host: string): boolean {
  const wanted = parseHostName(host);
  if (wanted === undefined || wanted.value.startsWith("*")) return false;
  const parent = wanted.type === "dns" ? wanted.value.replace(/^[^.]+/, "*") : wanted.value;
  return names.some(
    ({ type, value }) => type === wanted.type && (value === wanted.value || value === parent),
  );
}

function parseIp(text: string): HostName | undefined {
  // isIP takes "fe80::1%eth0" too: a zone has no place in a certificate.
  if (isIP(text) === 0 || text.includes("%")) return undefined;
  if (isIP(text) === 4) return { type: "ip", value: text };
  return { type: "ip", value: new URL(`http://[${text}]`).hostname.slice(1, -1) };
}

function parseDns(text: string): HostName | undefined {
  const value = text.toLowerCase().replace(/\.$/, "");
  const labels = value.split(".");
  const isWildcard = labels[0] === "*";
  const fixed = isWildcard ? labels.slice(1) : labels;
  if (value.length > NAME_MAX_CHARS || !fixed.every((label) => LABEL.test(label))) return undefined;
  // "1.2.3" and "300.1.1.1" are mistyped addresses: no top-level domain is a number.
  if (/^\d+$/.test(fixed.at(-1) ?? "")) return undefined;
  // "*.com" is refused by TLS libraries, so it covers nothing.
  if (isWildcard && fixed.length < 2) return undefined;
  return { type: "dns", value };
}
