/** What can be wrong with a certificate or its key. Codes are add-only: scripts read them. */
export type FindingCode =
  | "authority_unknown"
  | "certificate_expired"
  | "certificate_expiring"
  | "certificate_missing"
  | "certificate_premature"
  | "certificate_refused"
  | "certificate_unreadable"
  | "chain_expired"
  | "chain_incomplete"
  | "chain_order"
  | "host_uncovered"
  | "key_encrypted"
  | "key_exposed"
  | "key_mismatch"
  | "key_missing"
  | "key_unreadable"
  | "key_unsupported"
  | "key_weak"
  | "names_missing"
  | "names_shared"
  | "self_signed";

/** One thing wrong with a certificate, and what to do about it. Both texts are a single line. */
export interface Finding {
  readonly code: FindingCode;
  /** "error": clients refuse it, and only past its time it is served at all. "warning": some will refuse it, or soon. */
  readonly severity: "error" | "warning";
  /** What is so, e.g. "tls.key is encrypted with a passphrase". */
  readonly found: string;
  /** What to do about it, e.g. "Decrypt it: openssl …". */
  readonly remedy: string;
  /** The public host concerned, where it is about one. */
  readonly host?: string;
  /** The table of the configuration and the file it was found in, where one is to blame. */
  readonly certificate?: string;
  readonly file?: string;
}

export function errorFinding(code: FindingCode, found: string, remedy: string): Finding {
  return { code, severity: "error", found, remedy };
}

export function warningFinding(code: FindingCode, found: string, remedy: string): Finding {
  return { code, severity: "warning", found, remedy };
}
