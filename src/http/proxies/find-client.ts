import { formatIp, parseIp } from "../../core/ip-address.ts";
import { LIMITS } from "../../core/limits.ts";
import { hopsOfForwarded } from "./forwarded-header.ts";
import { type AddressHeader, addressIn, type Hop } from "./hop.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";

/** Of `Headers`, what is needed here. */
interface HeaderReader {
  get(name: string): string | null;
}

/** Who asks, by the word of proxies that are trusted. */
export interface FoundClient {
  readonly address: string;
  /** What the client speaks to the proxy; undefined where none said so. */
  readonly scheme?: "http" | "https";
  /** The header says no address where it should. */
  readonly isUnclear?: boolean;
}

/**
 * Finds who asked the proxies before us. Each of them tells who asked it, so that the list is walked
 * from its end for as long as who is told of is a proxy too: the first one that is not is the client.
 * What stands before that anybody may have written. Who is behind what cannot be read counts as the
 * nearest proxy that can.
 *
 * @returns undefined where nobody that is trusted says anything
 */
export function findClient(
  headers: HeaderReader,
  peerAddress: string,
  proxies: TrustedProxies,
): FoundClient | undefined {
  const peer = parseIp(peerAddress);
  if (peer === undefined || !proxies.trusts(peer)) return undefined;
  const value = headers.get(proxies.header);
  if (value === null || value.trim() === "") return undefined;
  return clientIn(hopsIn(value, proxies.header), { headers, peerAddress, proxies });
}

interface Walk {
  readonly headers: HeaderReader;
  readonly peerAddress: string;
  readonly proxies: TrustedProxies;
}

function clientIn(hops: Iterable<Hop>, { headers, peerAddress, proxies }: Walk): FoundClient {
  let nearest: FoundClient = { address: peerAddress };
  let walked = 0;
  for (const { node, scheme } of hops) {
    const address = node === undefined ? undefined : parseIp(addressIn(node));
    if (address === undefined) return { ...nearest, isUnclear: true };
    walked += 1;
    nearest = { address: formatIp(address), ...schemeOf(scheme ?? schemeAt(headers, walked)) };
    if (walked >= LIMITS.proxyHopsMax || !proxies.trusts(address)) break;
  }
  return nearest;
}

/** From the nearest to the farthest. */
function hopsIn(value: string, header: AddressHeader): Iterable<Hop> {
  const isTooLong = value.length > LIMITS.proxyHeaderMaxChars;
  const end = isTooLong ? value.slice(-LIMITS.proxyHeaderMaxChars) : value;
  if (header === "forwarded") return hopsOfForwarded(end);
  if (header === "x-real-ip") return [{ node: end.trim() }];
  // The first of what is left was cut somewhere.
  const nodes = end.split(",").slice(isTooLong ? 1 : 0);
  return nodes.reverse().map((node) => ({ node: node.trim() }));
}

/** Proxies that lengthen one of the two lists lengthen the other too, or put one word in its place. */
function schemeAt(headers: HeaderReader, hop: number): string | undefined {
  const value = headers.get("x-forwarded-proto") ?? "";
  const schemes = value.slice(-LIMITS.proxyHeaderMaxChars).split(",");
  return schemes.at(-Math.min(hop, schemes.length))?.trim();
}

function schemeOf(text: string | undefined): { readonly scheme?: "http" | "https" } {
  switch (text?.toLowerCase()) {
    case "https":
    case "wss":
      return { scheme: "https" };
    case "http":
    case "ws":
      return { scheme: "http" };
    default:
      return {};
  }
}
