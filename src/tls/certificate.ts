import { Buffer } from "node:buffer";
import type { X509Certificate as PeculiarCertificate } from "@peculiar/x509";
import { type HostName, parseHostName } from "./host-names.ts";
import { isCertificate, readPemBlocks } from "./pem.ts";
import { SubjectAlternativeNameExtension, X509Certificate } from "./x509.ts";

/** What a TLS server has to know of one certificate. */
export interface Certificate {
  /** One line, e.g. "CN=example.com". */
  readonly subject: string;
  readonly issuer: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The hosts it is for. Names of other kinds (mail, URI) and unusable ones are left out. */
  readonly hosts: readonly HostName[];
  /** Absent when the key is not an RSA key. */
  readonly rsaBits?: number;
  readonly x509: PeculiarCertificate;
}

/** Reads the certificates of a PEM text in their order; throws when one of them cannot be read. */
export function readCertificates(text: string): Certificate[] {
  const blocks = readPemBlocks(text).filter(isCertificate);
  return blocks.map(({ base64 }, index) => {
    try {
      return toCertificate(base64);
    } catch (cause) {
      const position = `certificate ${index + 1} of ${blocks.length}`;
      throw new Error(`Cannot read ${position}: ${reasonOf(cause)}`, { cause });
    }
  });
}

/** False when `issuer` did not sign this certificate, as far as this runtime can tell. */
export async function isIssuedBy({ x509 }: Certificate, issuer: Certificate): Promise<boolean> {
  if (x509.issuer !== issuer.x509.subject) return false;
  const { publicKey } = issuer.x509;
  const algorithm = { ...publicKey.algorithm, ...x509.signatureAlgorithm };
  try {
    await publicKey.export(algorithm, ["verify"]);
    return await x509.verify({ publicKey, signatureOnly: true });
  } catch {
    // WebCrypto does not know every curve a CA may use; then the matching names have to do.
    return true;
  }
}

function toCertificate(base64: string): Certificate {
  const x509 = new X509Certificate(Buffer.from(base64, "base64"));
  const { modulusLength } = x509.publicKey.algorithm as Partial<RsaKeyAlgorithm>;
  return {
    subject: toOneLine(x509.subject),
    issuer: toOneLine(x509.issuer),
    notBefore: x509.notBefore,
    notAfter: x509.notAfter,
    hosts: hostsOf(x509),
    ...(modulusLength !== undefined && { rsaBits: modulusLength }),
    x509,
  };
}

function hostsOf(x509: PeculiarCertificate): HostName[] {
  const items = x509.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  return items
    .filter(({ type }) => type === "dns" || type === "ip")
    .map(({ type, value }) => ({ type, host: parseHostName(value) }))
    .flatMap(({ type, host }) => (host?.type === type ? [host] : []));
}

/** A name in a certificate may hold anything, also a line break that would forge a second log line. */
function toOneLine(name: string): string {
  return name.replace(/\p{Cc}+/gu, " ") || "an empty name";
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? toOneLine(cause.message) : String(cause);
}
