import type { CryptoKey, JWK } from "jose";

/** The part of a token's header that chooses among the keys; all else in it is ignored. */
export interface TokenHeader {
  readonly alg: string;
  readonly kid?: string;
}

/** A key in one of the forms that the library takes. */
export type TokenKey = Uint8Array | CryptoKey | JWK;

/** Some of the keys that may have signed a token. */
export interface KeySource {
  /** The algorithms these keys are for. The kind of key decides that: a token can only choose among them. */
  readonly algorithms: readonly string[];
  /** The keys to try, most likely first; only called with one of `algorithms`. */
  keysFor(header: TokenHeader): Promise<readonly TokenKey[]>;
}

export const SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"];
export const RSA_ALGORITHMS = ["RS256", "RS384", "RS512"];
/** Each goes with one curve: P-256, P-384, P-521. */
export const ECDSA_ALGORITHMS = ["ES256", "ES384", "ES512"];

/** The keys that are given once and stay the same. */
export function fixedKeys(algorithms: readonly string[], keys: readonly TokenKey[]): KeySource {
  return { algorithms, keysFor: async () => keys };
}

/** Secrets shared with whoever makes the tokens. */
export function secretKeys(secrets: readonly string[]): KeySource {
  const encoder = new TextEncoder();
  return fixedKeys(
    SECRET_ALGORITHMS,
    secrets.map((secret) => encoder.encode(secret)),
  );
}
