import { Buffer } from "node:buffer";
import type { X509Certificate } from "@peculiar/x509";
import { LIMITS } from "../core/limits.ts";
import { type HostName, parseHostName } from "./host-names.ts";
import { encodePem } from "./pem.ts";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "./x509.ts";

/** What {@link makeCertificates} is to make. */
export interface MakeCertificatesOptions {
  /** DNS names (also `*.example.com`), IPv4 or IPv6 addresses. */
  readonly hosts: readonly string[];
  readonly now: Date;
  readonly validDays?: { readonly ca?: number; readonly leaf?: number };
}

/** PEM texts; the keys are PKCS#8. */
export interface MadeCertificates {
  readonly ca: string;
  readonly caKey: string;
  /** The full chain: the leaf, then the CA. */
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** Apple's platforms refuse a server certificate that is valid for longer than 398 days. */
const LEAF_MAX_DAYS = 397;
const CA_DAYS = 10 * 365;
/** Phones whose clock is a little behind shall accept a certificate made just now. */
const BACKDATED_MS = 60 * 60 * 1000;
/** Upper bound of a common name (RFC 5280, ub-common-name). */
const COMMON_NAME_MAX_CHARS = 64;
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** Makes a local CA and a server certificate signed by it, for tests and local networks. */
export async function makeCertificates(
  options: MakeCertificatesOptions,
): Promise<MadeCertificates> {
  const hosts = parseHosts(options.hosts);
  const leafDays = checkDays("leaf", options.validDays?.leaf ?? LEAF_MAX_DAYS, LEAF_MAX_DAYS);
  const caDays = checkDays("CA", options.validDays?.ca ?? CA_DAYS, CA_DAYS);
  if (caDays < leafDays) {
    const detail = `the CA would end before its leaf (${caDays} days, ${leafDays} days)`;
    throw new Error(`Cannot make certificates: ${detail}`);
  }
  const [caKeys, leafKeys] = await Promise.all([makeKeys(), makeKeys()]);
  const ca = await makeAuthority(caKeys, validity(options.now, caDays));
  const authority = { certificate: ca, signingKey: caKeys.privateKey };
  const leaf = await makeLeaf(authority, hosts, {
    publicKey: leafKeys.publicKey,
    ...validity(options.now, leafDays),
  });
  return {
    ca: certificatePem(ca),
    caKey: await keyPem(caKeys.privateKey),
    cert: certificatePem(leaf) + certificatePem(ca),
    key: await keyPem(leafKeys.privateKey),
  };
}

interface Validity {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

interface Authority {
  readonly certificate: X509Certificate;
  readonly signingKey: CryptoKey;
}

async function makeAuthority(keys: CryptoKeyPair, valid: Validity): Promise<X509Certificate> {
  const keyId = await SubjectKeyIdentifierExtension.create(keys.publicKey);
  return X509CertificateGenerator.createSelfSigned({
    // Some trust stores confuse two CAs of one name.
    name: [{ CN: [`Posthorn local CA ${keyId.keyId.slice(0, 8)}`] }],
    keys,
    ...valid,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      keyId,
    ],
  });
}

async function makeLeaf(
  { certificate, signingKey }: Authority,
  hosts: readonly HostName[],
  options: Validity & { readonly publicKey: CryptoKey },
): Promise<X509Certificate> {
  const commonName = hosts.find(({ value }) => value.length <= COMMON_NAME_MAX_CHARS)?.value;
  return X509CertificateGenerator.create({
    ...options,
    subject: [{ CN: [commonName ?? "Posthorn"] }],
    issuer: certificate.subjectName,
    signingKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([...hosts]),
      await SubjectKeyIdentifierExtension.create(options.publicKey),
      await AuthorityKeyIdentifierExtension.create(certificate.publicKey),
    ],
  });
}

function parseHosts(texts: readonly string[]): HostName[] {
  if (texts.length === 0 || texts.length > LIMITS.hostsPerCertificate) {
    const wanted = `wanted 1 to ${LIMITS.hostsPerCertificate}`;
    throw new Error(`Cannot make certificates: got ${texts.length} hosts, ${wanted}`);
  }
  const hosts = texts.map((text) => {
    const host = parseHostName(text);
    if (host !== undefined) return host;
    const got = JSON.stringify(text.slice(0, 80));
    const wanted =
      "wanted a DNS name (example.com, *.example.com, xn--… for other scripts) or an IP address";
    throw new Error(`Cannot make certificates: got host ${got}, ${wanted}`);
  });
  return [...new Map(hosts.map((host) => [host.value, host])).values()];
}

function checkDays(what: string, days: number, max: number): number {
  if (Number.isInteger(days) && days >= 1 && days <= max) return days;
  throw new Error(`Cannot make certificates: got ${days} days for the ${what}, wanted 1 to ${max}`);
}

function validity(now: Date, days: number): Validity {
  const startMs = now.getTime() - BACKDATED_MS;
  return { notBefore: new Date(startMs), notAfter: new Date(startMs + days * DAY_MS) };
}

function makeKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

function certificatePem(certificate: X509Certificate): string {
  return encodePem("CERTIFICATE", Buffer.from(certificate.rawData).toString("base64"));
}

async function keyPem(key: CryptoKey): Promise<string> {
  const der = await crypto.subtle.exportKey("pkcs8", key);
  return encodePem("PRIVATE KEY", Buffer.from(der).toString("base64"));
}
