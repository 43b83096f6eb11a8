/** Makes and checks the secrets that let devices in. */
export interface Secrets {
  /** A new secret with at least 128 bits of chance, and the hash to keep. */
  issue(): Promise<{ readonly secret: string; readonly hash: string }>;
  /** MUST take the same time whatever differs. */
  matches(secret: string, hash: string): Promise<boolean>;
}
