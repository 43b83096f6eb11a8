import type { TlsFiles } from "../core/ports/host.ts";
import type { Finding } from "./finding.ts";

/** PEM texts as they came, before anybody looked at them. */
export interface OfferedCertificate extends TlsFiles {
  /** What is wrong that the texts themselves do not show, such as who may read the key. */
  readonly findings: readonly Finding[];
  /** It only keeps the place of the one that is to come, so nothing about it is worth a word. */
  readonly isMeantime?: boolean;
}

/**
 * Where one certificate comes from: files that somebody else renews, or whoever renews it itself.
 *
 * What it gives need not be any good, nor belong together: who serves it looks first.
 */
export interface CertificateSource {
  /** For logs and metrics: "tls", or the name of the table. */
  readonly name: string;
  /** Where they are, for whoever has to correct them; absent where nobody keeps them but us. */
  readonly files?: { readonly certFile: string; readonly keyFile: string };
  /** The newest there is; rejects with a `Fault` when it cannot be had. */
  read(): Promise<OfferedCertificate>;
  /** Calls `changed` when there may be another, and gives what ends that. It MAY miss some. */
  watch(changed: () => void): () => void;
}
