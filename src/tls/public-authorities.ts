import { Buffer } from "node:buffer";
import { rootCertificates } from "node:tls";
import type { Certificate } from "./certificate.ts";
import { readPemBlocks } from "./pem.ts";

/**
 * Whether a root is one of the public authorities, as far as the list of the runtime goes: phones
 * have lists of their own, which hardly differ. By its key: some have several certificates.
 */
export function isPublicAuthority({ x509 }: Certificate): boolean {
  const publicKey = Buffer.from(x509.publicKey.rawData);
  return rootCertificates
    .flatMap(readPemBlocks)
    .some(({ base64 }) => Buffer.from(base64, "base64").includes(publicKey));
}
