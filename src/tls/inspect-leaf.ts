import type { Certificate } from "./certificate.ts";
import { errorFinding, type Finding, warningFinding } from "./finding.ts";
import { namesCover } from "./host-names.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Whoever renews in time does so when a third of a certificate's life is left, and has days left to fail. */
const EXPIRY_NOTICE_MS = 21 * DAY_MS;
const EXPIRY_NOTICE_PART = 1 / 3;
const RSA_MIN_BITS = 2048;
const HOSTS_LISTED = 5;

/** Says what is wrong with the server's own certificate. */
export function inspectLeaf(
  leaf: Certificate,
  publicHosts: readonly string[],
  now: Date,
): Finding[] {
  return [...inspectValidity(leaf, now), ...inspectHosts(leaf, publicHosts), ...inspectKey(leaf)];
}

function inspectValidity({ subject, notBefore, notAfter }: Certificate, now: Date): Finding[] {
  const leftMs = notAfter.getTime() - now.getTime();
  const end = notAfter.toISOString();
  if (leftMs < 0) {
    // An error, although the runtimes would serve it: no client may accept it, and waiting never helps.
    const found = `The certificate of ${subject} expired at ${end}`;
    const remedy = "Renew it; if it is not that late, set the clock of this machine";
    return [errorFinding("certificate_expired", found, remedy)];
  }
  if (notBefore > now) {
    // A warning: it heals by itself, and more often than not it is only this machine's clock that is behind.
    const found = `The certificate of ${subject} is not valid before ${notBefore.toISOString()}, here it is ${now.toISOString()}`;
    const remedy = "Set the clock of this machine; if it is right, wait or use another certificate";
    return [warningFinding("certificate_premature", found, remedy)];
  }
  const lifeMs = notAfter.getTime() - notBefore.getTime();
  if (leftMs > Math.min(EXPIRY_NOTICE_MS, lifeMs * EXPIRY_NOTICE_PART)) return [];
  const found = `The certificate of ${subject} expires in ${daysText(leftMs)}, at ${end}`;
  const remedy = "Renew it now, and find out why that did not happen by itself";
  return [warningFinding("certificate_expiring", found, remedy)];
}

function inspectHosts({ subject, hosts }: Certificate, publicHosts: readonly string[]): Finding[] {
  if (hosts.length === 0) {
    const found = `The certificate of ${subject} has no host in its subjectAltName: phones and browsers ignore the CN`;
    const remedy = "Have it issued again with every public host as a DNS or IP subjectAltName";
    return [warningFinding("names_missing", found, remedy)];
  }
  const listed = hosts.slice(0, HOSTS_LISTED).map(({ value }) => value);
  const covered = listed.join(", ") + (hosts.length > HOSTS_LISTED ? ", …" : "");
  return [...new Set(publicHosts)]
    .filter((host) => !namesCover(hosts, host))
    .map((host) => ({
      ...warningFinding(
        "host_uncovered",
        `The certificate of ${subject} is not for ${host}, only for ${covered}`,
        `Have it issued again with ${host} in its subjectAltName, or correct server.public_url`,
      ),
      host,
    }));
}

function inspectKey({ subject, rsaBits }: Certificate): Finding[] {
  if (rsaBits === undefined || rsaBits >= RSA_MIN_BITS) return [];
  const found = `The certificate of ${subject} has an RSA key of ${rsaBits} bits, at least ${RSA_MIN_BITS} are wanted`;
  const remedy = "Make a new key (ECDSA P-256 or RSA 2048) and have the certificate issued for it";
  return [errorFinding("key_weak", found, remedy)];
}

function daysText(durationMs: number): string {
  const days = Math.floor(durationMs / DAY_MS);
  if (days === 0) return "less than a day";
  return days === 1 ? "1 day" : `${days} days`;
}
