import type { RequestInfo } from "../core/ports/host.ts";
import type { Peer } from "../ws/connection.ts";

/** Who asks, with those headers only that are kept for the backend: a connection holds them for long. */
export function peerOf(
  request: Request,
  { remoteAddress }: Pick<RequestInfo, "remoteAddress">,
  headerNames: readonly string[],
): Peer {
  const headers = headerNames.flatMap((name) => {
    const value = request.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  return { remoteAddress, headers: Object.fromEntries(headers) };
}
