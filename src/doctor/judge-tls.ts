import type { Certificate } from "../tls/certificate.ts";
import { namesCover } from "../tls/host-names.ts";
import { TLS_VERSIONS } from "./client-hello.ts";
import { type Finding, finding, findingIf } from "./finding.ts";
import type { TlsSeen } from "./observe-tls.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const EXPIRY_NOTICE_DAYS = 21;
/** Apple's platforms refuse a server certificate that is valid for longer. */
const VALID_MAX_DAYS = 398;
const RSA_MIN_BITS = 2048;
const NAMES_LISTED = 5;

/** The first Android whose trust store has a root; whatever is not listed is older, or not known to us. */
const FIRST_ANDROID: Readonly<Record<string, string>> = {
  "ISRG Root X1": "7.1.1",
  "ISRG Root X2": "14",
};

/** What the runtimes say of a chain that ends at nobody they know. */
const UNKNOWN_ROOT = new Set([
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_UNTRUSTED",
]);

/** What a certificate is compared with. */
export interface TlsExpected {
  readonly host: string;
  readonly now: Date;
}

/** Says what phones will think of a server's TLS. */
export function judgeTls(seen: TlsSeen, expected: TlsExpected): Finding[] {
  if ("trouble" in seen.trust) {
    if (seen.trust.trouble === "http2") return [finding("http2_only")];
    return [
      finding("tls_failed", { reason: { word: seen.trust.trouble } }),
      ...judgeVersions(seen),
    ];
  }
  const [leaf, ...issuers] = seen.chain ?? [];
  if (leaf === undefined) {
    return [...judgeVersions(seen), finding("chain_hidden"), ...judgeTrust(seen, undefined)];
  }
  const chain: Chain = [leaf, ...issuers];
  return [
    ...judgeVersions(seen),
    ...judgeLeaf(leaf, expected),
    ...judgeChain(chain, seen, expected.now),
    ...judgeTrust(seen, chain),
  ];
}

type Chain = readonly [Certificate, ...Certificate[]];

function judgeVersions({ versions }: TlsSeen): Finding[] {
  const spoken = TLS_VERSIONS.filter((version) => versions[version] === "accepted");
  const old = spoken.filter((version) => version === "1.0" || version === "1.1");
  const list = (some: readonly string[]) => some.map((it) => `TLS ${it}`).join(", ");
  return [
    ...findingIf(spoken.length > 0, "tls_versions", { versions: list(spoken) }),
    ...findingIf(old.length > 0, "tls_old", { versions: list(old) }),
    ...findingIf(spoken.length > 0 && versions["1.2"] !== "accepted", "tls_12_missing"),
  ];
}

function judgeLeaf(leaf: Certificate, { host, now }: TlsExpected): Finding[] {
  const { subject, hosts, notBefore, notAfter, rsaBits } = leaf;
  const listed = hosts.slice(0, NAMES_LISTED).map(({ value }) => value);
  const names = listed.join(", ") + (hosts.length > NAMES_LISTED ? ", …" : "");
  const isCovered = namesCover(hosts, host);
  const validDays = Math.ceil((notAfter.getTime() - notBefore.getTime()) / DAY_MS);
  const isSelfSigned = leaf.x509.subject === leaf.x509.issuer;
  return [
    ...judgeValidity(leaf, now),
    isCovered
      ? finding("name_covered", { host, names })
      : finding("name_uncovered", { host, names: names || "-", subject }),
    ...findingIf(isSelfSigned, "certificate_self_signed", { subject }),
    // A private authority's certificates are let off.
    ...findingIf(!isSelfSigned && validDays > VALID_MAX_DAYS, "certificate_too_long", {
      days: validDays,
    }),
    ...findingIf((rsaBits ?? RSA_MIN_BITS) < RSA_MIN_BITS, "key_weak", { bits: rsaBits ?? 0 }),
  ];
}

function judgeValidity({ subject, notBefore, notAfter }: Certificate, now: Date): Finding[] {
  const days = Math.floor((notAfter.getTime() - now.getTime()) / DAY_MS);
  const end = notAfter.toISOString().slice(0, 10);
  if (notAfter < now) return [finding("certificate_expired", { subject, end })];
  if (notBefore > now) {
    return [finding("certificate_premature", { subject, start: notBefore.toISOString() })];
  }
  const code = days <= EXPIRY_NOTICE_DAYS ? "certificate_expiring" : "certificate_valid";
  return [finding(code, { subject, end, days })];
}

function judgeChain(chain: Chain, { isLinked, trust }: TlsSeen, now: Date): Finding[] {
  const [leaf, ...issuers] = chain;
  const broken = isLinked.indexOf(false);
  if (broken >= 0) {
    const wrong = issuers[broken]?.subject ?? "-";
    return [finding("chain_order", { place: broken + 2, count: chain.length, subject: wrong })];
  }
  const isSelfSigned = leaf.x509.subject === leaf.x509.issuer;
  const isAlone = issuers.length === 0 && !isSelfSigned;
  // The root itself may sign a leaf; then nothing is missing, and the runtime found it.
  const isTrusted = "isTrusted" in trust && trust.isTrusted;
  return [
    ...findingIf(isAlone && !isTrusted, "chain_incomplete", {
      subject: leaf.subject,
      issuer: leaf.issuer,
    }),
    ...findingIf(issuers.length > 0 || (isAlone && isTrusted), "chain_complete", {
      count: chain.length,
      subjects: chain.map(({ subject }) => subject).join(" ← "),
    }),
    ...issuers
      .filter(({ notAfter }) => notAfter < now)
      .map(({ subject, notAfter }) =>
        finding("issuer_expired", { subject, end: notAfter.toISOString().slice(0, 10) }),
      ),
  ];
}

function judgeTrust({ trust }: TlsSeen, chain: Chain | undefined): Finding[] {
  if (!("isTrusted" in trust)) return [];
  const root = chain === undefined ? undefined : rootOf(chain);
  if (trust.isTrusted) return [judgeRoot(root ?? "-", trust.isNamed === true)];
  // A lone leaf is told of already, or its own signature; a name or a date is no matter of roots.
  const isTold = chain?.length === 1;
  const reason = trust.reason ?? "-";
  const isAboutRoot = UNKNOWN_ROOT.has(reason) || chain === undefined;
  return findingIf(isAboutRoot && !isTold, "root_unknown", { root: root ?? "-", reason });
}

/** What to say of the authority that makes a chain trusted. */
function judgeRoot(root: string, isNamed: boolean): Finding {
  if (isNamed) return finding("root_named", { root });
  const android = FIRST_ANDROID[root.replace(/^.*CN=/, "").split(",")[0] ?? ""];
  return android === undefined
    ? finding("root_known", { root })
    : finding("root_young", { root, android });
}

/** Who signed last, which is the root or has it behind it. */
function rootOf(chain: Chain): string {
  return (chain.at(-1) ?? chain[0]).issuer;
}
