import type { ServedCertificate } from "../core/ports/host.ts";
import { type Finding, warningFinding } from "./finding.ts";
import type { LoadedTls } from "./lint-certificate.ts";

/** A certificate that is fit for use. */
export interface NamedCertificate {
  /** The table of the configuration that it is from. */
  readonly name: string;
  readonly loaded: LoadedTls;
}

/** Whoever dials an address names nothing, so only DNS names tell certificates apart. */
export function serverNamesOf({ loaded }: NamedCertificate): string[] {
  return loaded.hosts.filter(({ type }) => type === "dns").map(({ value }) => value);
}

/**
 * Gives every name to one certificate: of several that have it to the one that ends last, which is
 * what a renewal left behind; among equals to the first.
 */
export function toServed(certificates: readonly NamedCertificate[]): ServedCertificate[] {
  const owners = ownersOf(certificates);
  return certificates.map((it) => ({
    ...it.loaded.files,
    serverNames: [...new Set(serverNamesOf(it))].filter((name) => owners.get(name) === it),
  }));
}

/** One warning for each two certificates that share names. */
export function inspectShared(certificates: readonly NamedCertificate[]): Finding[] {
  const owners = ownersOf(certificates);
  return certificates.flatMap((it) => {
    const lost = [...new Set(serverNamesOf(it))].filter((name) => owners.get(name) !== it);
    const winners = new Set(lost.map((name) => owners.get(name)));
    return [...winners].flatMap((winner) => (winner === undefined ? [] : [shared(it, winner)]));
  });
}

function ownersOf(certificates: readonly NamedCertificate[]): Map<string, NamedCertificate> {
  const owners = new Map<string, NamedCertificate>();
  for (const it of certificates) {
    for (const name of serverNamesOf(it)) {
      const owner = owners.get(name);
      if (owner === undefined || endsLater(it, owner)) owners.set(name, it);
    }
  }
  return owners;
}

function endsLater(one: NamedCertificate, other: NamedCertificate): boolean {
  return one.loaded.expiresAtMs > other.loaded.expiresAtMs;
}

function shared(loser: NamedCertificate, winner: NamedCertificate): Finding {
  const names = new Set(serverNamesOf(winner));
  const [host = "?", ...more] = serverNamesOf(loser).filter((name) => names.has(name));
  const what = more.length === 0 ? host : `${host} and ${more.length} more`;
  const found = `The certificates of ${loser.name} and ${winner.name} are both for ${what}: that of ${winner.name} is served`;
  return warningFinding(
    "names_shared",
    found,
    "Remove one of the two, unless they are to be served in turn",
  );
}
