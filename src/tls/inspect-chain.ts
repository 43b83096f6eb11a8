import { type Certificate, isIssuedBy } from "./certificate.ts";
import { errorFinding, type Finding, warningFinding } from "./finding.ts";
import { isPublicAuthority } from "./public-authorities.ts";

/** The certificates of one file in their order. */
export type Chain = readonly [Certificate, ...Certificate[]];

const PUBLIC_REMEDY = "Use a certificate from a public CA";

/**
 * Says what is wrong with a chain as a whole.
 *
 * `leafIndex` tells which certificate the private key belongs to: -1 for none of them. A root at
 * the end is superfluous and fine, if it is one that clients know.
 */
export async function inspectChain(chain: Chain, leafIndex: number, now: Date): Promise<Finding[]> {
  const [first] = chain;
  const leaf = chain[leafIndex] ?? first;
  return [
    ...(leafIndex < 0 ? [keyMismatch(first)] : []),
    ...(leafIndex > 0 ? [leafNotFirst(chain, leafIndex)] : await inspectLinks(chain)),
    ...(chain.length === 1 ? [issuerMissing(first)] : []),
    ...chain.filter((it) => it !== leaf && it.notAfter < now).map(issuerExpired),
  ];
}

function keyMismatch({ subject }: Certificate): Finding {
  const found = `tls.key does not belong to the certificate of ${subject} in tls.cert`;
  const remedy = "Set tls.cert and tls.key to files that were made together";
  return errorFinding("key_mismatch", found, remedy);
}

function leafNotFirst(chain: Chain, leafIndex: number): Finding {
  const place = `${leafIndex + 1} of ${chain.length}`;
  return wrongOrder(`tls.key belongs to certificate ${place}, but ${chain[0].subject} comes first`);
}

async function inspectLinks(chain: Chain): Promise<Finding[]> {
  const [first, ...issuers] = chain;
  let signed = first;
  for (const [index, issuer] of issuers.entries()) {
    if (!(await isIssuedBy(signed, issuer))) {
      const place = `${index + 2} of ${issuers.length + 1}`;
      const claim = `certificate ${place} (${issuer.subject}) did not sign the one before it`;
      return [wrongOrder(`${claim} (${signed.subject})`)];
    }
    signed = issuer;
  }
  return chain.length > 1 ? inspectRoot(signed) : [];
}

/** A chain need not have its root, and then nobody can tell from it which one that would be. */
function inspectRoot(last: Certificate): Finding[] {
  if (!isSelfSigned(last) || isPublicAuthority(last)) return [];
  const found = `tls.cert leads to ${last.subject}, which is no public authority: phones will refuse it, developer tools can be told not to`;
  return [warningFinding("authority_unknown", found, PUBLIC_REMEDY)];
}

function isSelfSigned({ x509 }: Certificate): boolean {
  return x509.subject === x509.issuer;
}

function wrongOrder(reason: string): Finding {
  const remedy =
    "Put this server's certificate first, then each issuer once: cat server.pem intermediate.pem > fullchain.pem";
  return errorFinding("chain_order", `tls.cert is in the wrong order: ${reason}`, remedy);
}

function issuerMissing(certificate: Certificate): Finding {
  const { subject, issuer } = certificate;
  if (isSelfSigned(certificate)) {
    const found = `The certificate of ${subject} is self-signed: phones will refuse it, developer tools can be told not to`;
    return warningFinding("self_signed", found, PUBLIC_REMEDY);
  }
  const found = `tls.cert has only the certificate of ${subject}, not that of its issuer ${issuer}: phones will refuse it`;
  const remedy = "Use fullchain.pem: this server's certificate, then the intermediates";
  return warningFinding("chain_incomplete", found, remedy);
}

/** A warning: some clients find another way to a root they trust. */
function issuerExpired({ subject, notAfter }: Certificate): Finding {
  const found = `The issuer ${subject} in tls.cert expired at ${notAfter.toISOString()}`;
  return warningFinding(
    "chain_expired",
    found,
    "Use the intermediates that the CA hands out today",
  );
}
