import type { TlsFiles } from "../core/ports/host.ts";
import { type Certificate, readCertificates } from "../tls/certificate.ts";
import { namesCover } from "../tls/host-names.ts";
import { lintCertificate } from "../tls/lint-certificate.ts";

/** A certificate and its key that are fit for use. */
export interface CertificatePair extends TlsFiles {
  readonly leaf: Certificate;
}

/** Reads both, each out of a text that may hold more; gives what is wrong with them instead. */
export async function readPair(
  { cert, key }: TlsFiles,
  nowMs: number,
): Promise<CertificatePair | { readonly unfit: string }> {
  const now = new Date(nowMs);
  const offered = { cert, key, findings: [] };
  const { files, findings } = await lintCertificate(offered, {
    section: "acme",
    publicHosts: [],
    now,
  });
  const errors = findings.filter(({ severity }) => severity === "error");
  if (errors.length > 0) return { unfit: errors.map(({ found }) => found).join("; ") };
  const [leaf] = readCertificates(files.cert);
  return leaf === undefined ? { unfit: "there is no certificate" } : { ...files, leaf };
}

/** Whether it is for every one of these names. */
export function isFor({ leaf }: CertificatePair, names: readonly string[]): boolean {
  return names.every((name) => namesCover(leaf.hosts, name));
}
