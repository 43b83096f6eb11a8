import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { Entry } from "./entry.ts";
import { toProblem } from "./problem.ts";
import type { CallerInfo } from "./proxies/addressed.ts";
import { requestUrl } from "./request-url.ts";

/**
 * Gives what a certificate authority wants to read at a path it chose (RFC 8555 §8.3), by the token at
 * its end; undefined when nobody has asked it for a certificate.
 */
export type ChallengeResponder = (token: string) => string | undefined;

export interface PlainEntryOptions {
  /** The server's own. */
  readonly entry: Entry;
  readonly serves: "redirect" | "everything";
  /** Where https is: what is called from outside, else the host that was asked, with this port. */
  readonly publicUrl: () => string | undefined;
  /** Whether a certificate is for a host: it stays the host then, of several shops each its own. */
  readonly isCertified: (host: string) => boolean;
  readonly securePort: () => number;
  readonly challengeOf: ChallengeResponder;
  readonly clock: Clock;
  readonly log: Log;
}

const CHALLENGES = "/.well-known/acme-challenge/";
/** For balancers, which ask in plain text and follow nothing. */
const HEALTH = new Set(["/healthz", "/readyz"]);
const HTTPS_PORT = 443;

/** Answers at the port for plain http beside TLS. */
export function createPlainEntry(options: PlainEntryOptions): Entry {
  const { entry, serves, challengeOf, clock, log } = options;

  function answer(request: Request, info: CallerInfo): Promise<Response> | Response {
    const url = requestUrl(request);
    const { pathname } = url;
    if (pathname.startsWith(CHALLENGES)) {
      const answer = challengeOf(pathname.slice(CHALLENGES.length));
      if (answer !== undefined) return new Response(answer);
      return new Response("", { status: 404 });
    }
    // A proxy that ended the client's TLS would be sent to where it comes from.
    const isSecure = info.scheme === "https";
    if (serves === "everything" || isSecure || HEALTH.has(pathname)) return entry(request, info);
    // It keeps the method and the body, which 301 does not.
    return new Response(null, { status: 308, headers: { location: secureUrl(url, options) } });
  }

  return async (request, info) => {
    try {
      return await answer(request, info);
    } catch (error) {
      return toProblem(error, clock, log);
    }
  };
}

function secureUrl(asked: URL, options: PlainEntryOptions): string {
  const { publicUrl, securePort, isCertified } = options;
  const known = publicUrl();
  const outside = known?.startsWith("https:") ? new URL(known) : undefined;
  // The port of the outside need not be the one we listen at.
  const port = outside === undefined ? securePort() : Number(outside.port || HTTPS_PORT);
  const keepsHost = outside === undefined || isCertified(asked.hostname);
  const host = keepsHost ? asked.hostname : outside.hostname;
  const authority = port === HTTPS_PORT ? host : `${host}:${port}`;
  return `https://${authority}${asked.pathname}${asked.search}`;
}
