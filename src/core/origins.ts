import { type Glob, parseGlob } from "./glob.ts";

/** Origins of mini-programs: no web page can claim them. With a path it is their Referer, which no browser sends so. */
const MINI_PROGRAM = /^(?:weapp:\/\/[^/]*|https:\/\/servicewechat\.com(?:\/\S*)?)$/;

/** Whether the platform of a mini-program made this origin. */
export function isMiniProgram(origin: string): boolean {
  return MINI_PROGRAM.test(origin.toLowerCase());
}

/** Reads patterns of origins, in which case does not count. Throws `glob_malformed`. */
export function parseOrigins(patterns: readonly string[]): readonly Glob[] {
  return patterns.map((pattern) => parseGlob(pattern.toLowerCase()));
}

const WEB_ORIGIN = /^(https?):\/\/([^/]+)$/;

const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: "80", https: "443" };

/** What a request says of where it comes from and where it goes, as its headers. */
export interface OriginHeaders {
  /** Null from whatever is no browser. */
  readonly origin: string | null;
  readonly host: string | null;
}

/**
 * Whether whoever calls may connect. A browser lets any page connect to anywhere and sends along
 * what it holds for that place, so a page of a foreign origin has to be allowed by name. Programs,
 * mini-programs and pages of this very host are always welcome.
 */
export function allowsOrigin({ origin, host }: OriginHeaders, allowed: readonly Glob[]): boolean {
  if (origin === null || origin === "") return true;
  const lower = origin.toLowerCase();
  return (
    isMiniProgram(lower) ||
    isOfHost(lower, host?.toLowerCase()) ||
    allowed.some((matches) => matches(lower))
  );
}

/** The scheme is left aside: whoever terminates TLS in front of us changes it. */
function isOfHost(origin: string, host: string | undefined): boolean {
  const [, scheme = "", name] = WEB_ORIGIN.exec(origin) ?? [];
  if (name === undefined || host === undefined) return false;
  return host === name || host === `${name}:${DEFAULT_PORTS[scheme]}`;
}
