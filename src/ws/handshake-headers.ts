import { isMiniProgram } from "../core/origins.ts";

/** An IP address or a name without a dot: how a proxy calls its upstream, not how a page calls its server. */
const UPSTREAM_NAME = /^(?:[\d.]+|\[[\da-f:.]+\]|[^.:[\]]+)(?::\d+)?$/i;

const SEEN_MAX_CHARS = 200;

const SEEN_NAMES = ["Host", "Upgrade", "Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key"];

/** Of `Headers`, what is needed here. */
export interface HeaderReader {
  get(name: string): string | null;
}

/** The header values a diagnosis is made from; null for what did not arrive. */
export type Seen = Readonly<Record<string, string | null>>;

/** Keeps what a refusal shows, cut to a bounded length. */
export function seenIn(headers: HeaderReader): Seen {
  return Object.fromEntries(
    SEEN_NAMES.map((name) => [name, headers.get(name)?.slice(0, SEEN_MAX_CHARS) ?? null]),
  );
}

/** Whether the Connection header has its `upgrade`, has it in quotes, or lacks it. */
export function connectionOf(headers: HeaderReader): "complete" | "quoted" | "incomplete" {
  const tokens = tokensOf(headers.get("connection")).map((token) => token.toLowerCase());
  if (tokens.includes("upgrade")) return "complete";
  return tokens.includes('"upgrade"') ? "quoted" : "incomplete";
}

/** Whether the Upgrade header names websocket. */
export function upgradesToWebsocket(headers: HeaderReader): boolean {
  return tokensOf(headers.get("upgrade")).some((token) => token.toLowerCase() === "websocket");
}

/** Whether the request announces a body. */
export function hasBody(headers: HeaderReader): boolean {
  return (
    headers.get("transfer-encoding") !== null || (headers.get("content-length") ?? "0") !== "0"
  );
}

/** False when a page of a public name seems to have called an upstream's name or address. */
export function isHostForwarded(headers: HeaderReader): boolean {
  const host = headers.get("host") ?? "";
  const claimed = headers.get("origin") ?? "";
  // A mini-program names its platform as the origin, which says nothing of how we were called.
  if (isMiniProgram(claimed)) return true;
  const origin = /^https?:\/\/(.+)$/.exec(claimed)?.[1] ?? host;
  return origin === host || !UPSTREAM_NAME.test(host) || UPSTREAM_NAME.test(origin);
}

/** The elements of a list in a header. */
export function tokensOf(value: string | null): string[] {
  return (value ?? "").split(",").map((token) => token.trim());
}
