import type { NetworkInterfaceInfo } from "node:os";
import { isLoopback } from "../core/loopback.ts";

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** What networks at home and in offices are made of (RFC 1918). */
const PRIVATE = /^(?:192\.168|10|172\.(?:1[6-9]|2\d|3[01]))\./;

/** Bridges to containers and virtual machines: no phone is there. */
const VIRTUAL = /^(?:docker|br-|veth|virbr|vboxnet|vmnet)/;

const ADDRESSES_MAX = 4;

/**
 * Where a phone in the same network finds the demo of a server that listens on every address, and
 * is at `url` here; nothing where that is no address of every one, or there is no such network.
 */
export function phoneHint(url: string, interfaces: Interfaces): string {
  const { hostname } = new URL(url);
  const addresses = isLoopback(hostname) ? lanAddresses(interfaces) : [];
  if (addresses.length === 0) return "";
  const lines = addresses.map((address) => `  ${url.replace(hostname, address)}/demo\n`);
  return `\nA phone in the same network opens:\n\n${lines.join("")}`;
}

function lanAddresses(interfaces: Interfaces): readonly string[] {
  return Object.entries(interfaces)
    .filter(([name]) => !VIRTUAL.test(name))
    .flatMap(([, infos = []]) => infos)
    .filter(({ internal, address }) => !internal && PRIVATE.test(address))
    .map(({ address }) => address)
    .slice(0, ADDRESSES_MAX);
}
