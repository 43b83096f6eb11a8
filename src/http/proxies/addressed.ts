import { parseIp } from "../../core/ip-address.ts";
import type { Live } from "../../core/live.ts";
import type { RequestInfo } from "../../core/ports/host.ts";
import { complaintOn } from "./complaints.ts";
import { findClient } from "./find-client.ts";
import { createComplaintTeller, type TellingParts } from "./tell-complaints.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";

/** Who asks, also where proxies stand between. */
export interface CallerInfo extends RequestInfo {
  /** The peer's address where it is a proxy that is trusted, also where it does not say who asked it. */
  readonly proxyAddress?: string;
  /** What the client speaks to the proxy, where one that is trusted says so. */
  readonly scheme?: "http" | "https";
}

type Fetch = (request: Request, info: RequestInfo) => Promise<Response> | Response;
type CallerFetch = (request: Request, info: CallerInfo) => Promise<Response> | Response;

export interface AddressingParts extends TellingParts {
  readonly proxies: Live<TrustedProxies>;
}

/**
 * Decides from which address a request counts as coming, before anything else looks at it. Nothing
 * behind this reads the headers in which proxies say so.
 */
export function createAddressing(parts: AddressingParts): (fetch: CallerFetch) => Fetch {
  const tell = createComplaintTeller(parts);

  function callerOf(request: Request, info: RequestInfo): CallerInfo {
    const { remoteAddress: peerAddress } = info;
    const proxies = parts.proxies.current;
    const { headers } = request;
    const found = findClient(headers, peerAddress, proxies);
    const peer = parseIp(peerAddress);
    const isTrusted = peer !== undefined && proxies.trusts(peer);
    const complaint = complaintOn({
      ...{ headers, peerAddress, proxies },
      url: () => request.url,
      isTrusted,
      isUnclear: found?.isUnclear === true,
    });
    if (complaint !== undefined) tell(complaint, peerAddress);
    if (!isTrusted) return info;
    const { address: remoteAddress = peerAddress, scheme } = found ?? {};
    return {
      ...{ remoteAddress, proxyAddress: peerAddress },
      ...(info.isCertified !== undefined && { isCertified: info.isCertified }),
      ...(scheme && { scheme }),
      upgrade: (handler, options) => info.upgrade(handler, options),
      holdOpen: () => info.holdOpen(),
    };
  }

  return (fetch) => (request, info) => fetch(request, callerOf(request, info));
}
