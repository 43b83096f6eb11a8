import { lookup } from "node:dns/promises";
import type { Clock } from "../core/ports/clock.ts";
import { VISIT_LIMITS } from "./limits.ts";
import { isName, type Target } from "./target.ts";
import { openWire, type Trouble, troubleOf, within } from "./wire.ts";

/** One address, and whether its port took a connection. */
export interface AddressSeen {
  readonly address: string;
  readonly tookMs?: number;
  readonly trouble?: Trouble;
}

/** Where a host name leads. */
export interface NetworkSeen {
  readonly host: string;
  readonly port: number;
  /** Empty when the name leads nowhere; then `lookupCode` tells why. */
  readonly addresses: readonly AddressSeen[];
  readonly lookupCode?: string;
}

/** Looks a name up and dials each of its addresses. */
export async function observeNetwork({ host, port }: Target, clock: Clock): Promise<NetworkSeen> {
  try {
    const found = isName(host) ? await lookUp(host, clock) : [host];
    const addresses = await Promise.all(found.map((address) => dial(address, port, clock)));
    return { host, port, addresses };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return { host, port, addresses: [], lookupCode: code };
  }
}

async function lookUp(host: string, clock: Clock): Promise<string[]> {
  const found = await within(clock, VISIT_LIMITS.stepMs, lookup(host, { all: true }));
  return [...new Set(found.map(({ address }) => address))].slice(0, VISIT_LIMITS.addressesMax);
}

async function dial(address: string, port: number, clock: Clock): Promise<AddressSeen> {
  const startedMs = clock.monotonicMs();
  try {
    using _wire = await openWire({ address, port }, clock);
    return { address, tookMs: Math.round(clock.monotonicMs() - startedMs) };
  } catch (error) {
    return { address, trouble: troubleOf(error) };
  }
}
