import { Fault } from "../core/faults.ts";

/** A host name, an IPv4 address or an IPv6 address in brackets; then perhaps a port (RFC 9110 §7.2). */
const HOST_PATTERN = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/**
 * The URL of a request, or `host_invalid`. The runtimes build URLs from the Host header without
 * looking at it: `Host: a/b?c` leads to another path than the request line says.
 */
export function requestUrl(request: Request): URL {
  const host = request.headers.get("host") ?? "";
  if (HOST_PATTERN.test(host) && URL.canParse(request.url)) return new URL(request.url);
  const detail = `got ${JSON.stringify(host.slice(0, 100))}, wanted a host name or address, and a port at most`;
  throw new Fault("host_invalid", { detail });
}
