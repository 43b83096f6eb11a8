import { generateKeyPairSync } from "node:crypto";
import {
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from "../../../src/tls/x509.ts";
import { day, dns, issue, makeKeys } from "./issue.ts";

/** A certificate whose key is for signing other certificates only. */
export async function issueForSigning(host: string) {
  const keys = await makeKeys();
  const { key } = await issue({ name: host, names: dns(host), keys });
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [host] }],
    issuer: [{ CN: [host] }],
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: { ...keys.privateKey.algorithm, hash: "SHA-256" },
    notBefore: day(-1),
    notAfter: day(90),
    extensions: [
      new SubjectAlternativeNameExtension(dns(host)),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    ],
  });
  return { cert: `${certificate.toString("pem")}\n`, key };
}

/** A certificate that is good in every way but that no runtime serves with such a key. */
export async function issueUnsupported(host: string, now: Date) {
  const issuer = await issue({ name: "Root", ca: true, toDay: 3000, now });
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "secp224r1" });
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [host] }],
    issuer: [{ CN: [issuer.name] }],
    publicKey: new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    signingKey: issuer.keys.privateKey,
    signingAlgorithm: { ...issuer.keys.privateKey.algorithm, hash: "SHA-256" },
    notBefore: day(-1, now),
    notAfter: day(90, now),
    extensions: [new SubjectAlternativeNameExtension(dns(host))],
  });
  return {
    cert: `${certificate.toString("pem")}\n${issuer.cert}`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
