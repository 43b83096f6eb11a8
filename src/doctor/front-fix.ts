import type { Values } from "./finding.ts";
import type { Answer } from "./http-exchange.ts";
import { membersOf } from "./observe-front.ts";

/** Those of which `posthorn proxy` prints the configuration, and how they name themselves. */
const PROXIES = [
  ["nginx", /nginx|openresty|tengine/i],
  ["caddy", /caddy/i],
  ["apache", /apache/i],
] as const;

/** What whoever is in front did wrong when Posthorn refuses a handshake so. */
const FAULTS: Readonly<Record<string, "upgrade" | "path">> = {
  upgrade_missing: "upgrade",
  websocket_expected: "upgrade",
  path_unknown: "path",
};

/**
 * How to mend a handshake that Posthorn refused: for the one proxy that named itself, in the reader's
 * language. What no proxy is to blame for is mended as the server says.
 */
export function fixOf(answer: Answer): Values[string] {
  const { code, fix } = membersOf(answer) ?? {};
  const fault = FAULTS[String(code)];
  if (fault === undefined) return Array.isArray(fix) ? fix.map(String).join("; ") : "-";
  const names = ["server", "via"].map((it) => answer.headers.get(it) ?? "").join(" ");
  const proxy = PROXIES.find(([, pattern]) => pattern.test(names))?.[0] ?? "front";
  return { word: `${fault}_${proxy}` };
}
