/** All chance comes from here. Text and bytes MUST come from a cryptographic source. */
export interface Entropy {
  /** RFC 9562 version 7: unique and roughly ordered by time. */
  uuid(): string;
  /** Base64url text of `bytes` random bytes. */
  token(bytes: number): string;
  /** At least 0, less than 1; for jitter only. */
  fraction(): number;
}
