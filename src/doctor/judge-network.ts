import { type Finding, finding, findingIf } from "./finding.ts";
import type { AddressSeen, NetworkSeen } from "./observe-network.ts";
import { isName, isPrivateAddress } from "./target.ts";

/** Says what to think of where a name leads. */
export function judgeNetwork({ host, port, addresses, lookupCode }: NetworkSeen): Finding[] {
  if (addresses.length === 0) return [finding("name_missing", { host, reason: lookupCode ?? "-" })];
  return [...judgeName(host, addresses), ...judgePorts(port, addresses)];
}

function judgeName(host: string, addresses: readonly AddressSeen[]): Finding[] {
  if (!isName(host)) return [];
  const list = listOf(addresses);
  const isPrivate = addresses.every(({ address }) => isPrivateAddress(address));
  return [
    finding("name_found", { host, addresses: list }),
    ...findingIf(isPrivate && host !== "localhost", "name_private", { host, addresses: list }),
  ];
}

function judgePorts(port: number, addresses: readonly AddressSeen[]): Finding[] {
  const open = addresses.filter(({ trouble }) => trouble === undefined);
  const closed = addresses.filter(({ trouble }) => trouble !== undefined);
  const fastestMs = Math.min(...open.map(({ tookMs = 0 }) => tookMs));
  return [
    ...findingIf(open.length > 0, "port_open", { port, addresses: listOf(open), ms: fastestMs }),
    ...closed.map(({ address, trouble = "unknown" }) =>
      finding(open.length > 0 ? "address_closed" : "port_closed", {
        address,
        port,
        reason: { word: trouble },
      }),
    ),
  ];
}

function listOf(addresses: readonly AddressSeen[]): string {
  return addresses.map(({ address }) => address).join(", ");
}
