import { Buffer } from "node:buffer";
import { encodePem } from "../tls/pem.ts";
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from "../tls/x509.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A new key, and what an authority is asked to certify. */
export interface RequestedKey {
  /** PEM text, PKCS#8. */
  readonly key: string;
  /** Base64url of the DER. */
  readonly csr: string;
}

/** Each certificate has a key of its own: one that leaked is of use until the next renewal only. */
export async function makeRequestedKey(names: readonly string[]): Promise<RequestedKey> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const request = await Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new SubjectAlternativeNameExtension(names.map((value) => ({ type: "dns" as const, value }))),
    ],
  });
  const der = await crypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    key: encodePem("PRIVATE KEY", Buffer.from(der).toString("base64")),
    csr: Buffer.from(request.rawData).toString("base64url"),
  };
}
