import type { Config } from "../config/config.ts";
import { isInRanges, parseAddressRange } from "../core/address-range.ts";
import { parseIp } from "../core/ip-address.ts";
import { isLoopback } from "../core/loopback.ts";
import type { Finding } from "./checks.ts";

const LOOPBACK = [127, 0, 0, 1];

/** Whether whoever stands between clients and a server that only this machine reaches is believed. */
export async function probeProxies({ server, tls, dev }: Config): Promise<Finding[]> {
  const { host, publicUrl, trustedProxies, clientAddressHeader } = server;
  const ranges = trustedProxies.flatMap((text) => parseAddressRange(text) ?? []);
  const isOutside = publicUrl !== undefined && !isLoopback(new URL(publicUrl).hostname);
  const near = parseIp(host) ?? LOOPBACK;
  if (!dev && isOutside && isLoopback(host) && !isInRanges(near, ranges)) {
    const found = `only this machine reaches ${host}, so all clients come through a proxy on it, and count as one address`;
    const remedy =
      'Set server.trusted_proxies = ["127.0.0.1", "::1"]; posthorn proxy nginx|caddy|apache prints the rest';
    return [{ status: "warn", found, remedy }];
  }
  const isEndedInFront = publicUrl?.startsWith("https:") === true && tls === undefined;
  if (!dev && isOutside && isEndedInFront && trustedProxies.length === 0) {
    const found =
      "server.public_url is https and there is neither [tls] nor [acme], so something in front speaks TLS; it is not trusted, and all clients count as one address";
    const remedy =
      "Set server.trusted_proxies to the addresses of what is in front (posthorn proxy nginx|caddy|apache prints it), or [tls] or [acme] where nothing is";
    return [{ status: "warn", found, remedy }];
  }
  if (trustedProxies.length === 0)
    return [{ status: "ok", found: "by who connects: no proxy is trusted" }];
  const found = `by ${clientAddressHeader} of ${trustedProxies.join(", ")}, else by who connects`;
  return [{ status: "ok", found }];
}
