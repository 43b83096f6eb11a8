/** What one proxy says of whoever asked it. */
export interface Hop {
  /** As it is written, perhaps with a port; undefined where the proxy would not say. */
  readonly node?: string;
  readonly scheme?: string;
}

/** A header that proxies fill, and how they may call whoever asked them. */
export type AddressHeader = "x-forwarded-for" | "forwarded" | "x-real-ip";

const BRACKETED = /^\[([^\]]*)\](?::[\w.-]*)?$/;
const IPV4_WITH_PORT = /^([^:]*):[\w.-]*$/;

/** The text of the address in a node: without brackets and port. */
export function addressIn(node: string): string {
  return BRACKETED.exec(node)?.[1] ?? IPV4_WITH_PORT.exec(node)?.[1] ?? node;
}
