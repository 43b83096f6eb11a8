import type { Extension, JsonGeneralNames, X509Certificate } from "@peculiar/x509";
import { encodePem } from "../../../src/tls/pem.ts";
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "../../../src/tls/x509.ts";

/** The moment every certificate of these tests is inspected at. */
export const NOW = new Date("2026-06-01T12:00:00Z");

const DAY_MS = 24 * 60 * 60 * 1000;
const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

export interface Issued {
  readonly name: string;
  readonly certificate: X509Certificate;
  readonly keys: CryptoKeyPair;
  readonly cert: string;
  readonly key: string;
}

export interface IssueOptions {
  readonly name: string;
  /** Absent: self-signed. */
  readonly issuer?: Issued;
  /** Absent: no subjectAltName at all. */
  readonly names?: JsonGeneralNames | undefined;
  readonly ca?: boolean;
  readonly fromDay?: number;
  readonly toDay?: number;
  readonly keys?: CryptoKeyPair;
  /** Absent: {@link NOW}. */
  readonly now?: Date;
}

/** A day relative to {@link NOW}. */
export function day(offset: number, now = NOW): Date {
  return new Date(now.getTime() + offset * DAY_MS);
}

export function dns(...names: string[]): JsonGeneralNames {
  return names.map((value) => ({ type: "dns" as const, value }));
}

export async function makeKeys(algorithm: object = ECDSA): Promise<CryptoKeyPair> {
  const keys = await crypto.subtle.generateKey(algorithm as EcKeyGenParams, true, [
    "sign",
    "verify",
  ]);
  return keys;
}

/** RSA keys of a strength of choice. */
export function makeRsaKeys(modulusLength: number): Promise<CryptoKeyPair> {
  const publicExponent = new Uint8Array([1, 0, 1]);
  return makeKeys({ name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength, publicExponent });
}

/** Makes a certificate as good or as bad as the test wants it. */
export async function issue(options: IssueOptions): Promise<Issued> {
  const { name, issuer, names, ca = false } = options;
  const keys = options.keys ?? (await makeKeys());
  const extensions: Extension[] = [new BasicConstraintsExtension(ca, undefined, true)];
  if (names) extensions.push(new SubjectAlternativeNameExtension(names));
  const signer = issuer?.keys ?? keys;
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [name] }],
    issuer: [{ CN: [issuer?.name ?? name] }],
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: { ...signer.privateKey.algorithm, hash: "SHA-256" },
    notBefore: day(options.fromDay ?? -1, options.now),
    notAfter: day(options.toDay ?? 90, options.now),
    extensions,
  });
  const der = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  const key = encodePem("PRIVATE KEY", Buffer.from(der).toString("base64"));
  return { name, certificate, keys, cert: `${certificate.toString("pem")}\n`, key };
}
