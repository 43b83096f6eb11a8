import { type AddressRange, isInRanges, parseAddressRange } from "../../core/address-range.ts";
import type { IpBytes } from "../../core/ip-address.ts";
import type { AddressHeader } from "./hop.ts";

/** Whose word is taken on who asks, and by which header. */
export interface TrustedProxies {
  /** As the configuration has them. */
  readonly listed: readonly string[];
  readonly header: AddressHeader;
  trusts(address: IpBytes): boolean;
}

/** What the configuration says of them. */
export interface ProxySettings {
  readonly trustedProxies: readonly string[];
  readonly clientAddressHeader: AddressHeader;
}

/** Reads the ranges once; what is none was refused with the configuration. */
export function createTrustedProxies(settings: ProxySettings): TrustedProxies {
  const { trustedProxies, clientAddressHeader } = settings;
  const ranges: readonly AddressRange[] = trustedProxies.flatMap(
    (text) => parseAddressRange(text) ?? [],
  );
  return {
    listed: trustedProxies,
    header: clientAddressHeader,
    trusts: (address) => isInRanges(address, ranges),
  };
}
