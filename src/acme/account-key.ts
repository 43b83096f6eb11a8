import {
  calculateJwkThumbprint,
  exportJWK,
  exportPKCS8,
  FlattenedSign,
  generateKeyPair,
  importPKCS8,
  type JWK,
} from "jose";

const ALGORITHM = "ES256";

/** What a request of an account is signed with; all its fields are JSON. */
export type SignedHeader =
  | { readonly url: string; readonly nonce: string; readonly kid: string }
  | { readonly url: string; readonly nonce: string; readonly jwk: JWK };

/** The key that is an account with an authority: who has it may do what the account may. */
export interface AccountKey {
  /** The public half. */
  readonly jwk: JWK;
  /** RFC 7638; what is shown for a token is the token, a dot and this. */
  readonly thumbprint: string;
  /** A flattened JWS of `payload`, as JSON. */
  sign(payload: string, header: SignedHeader): Promise<string>;
}

/** PEM text of a new one. */
export async function makeAccountKey(): Promise<string> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  return await exportPKCS8(privateKey);
}

/** Throws when the text is no such key. */
export async function readAccountKey(pem: string): Promise<AccountKey> {
  const key = await importPKCS8(pem, ALGORITHM, { extractable: true });
  const { d: _, ...jwk } = await exportJWK(key);
  return {
    jwk,
    thumbprint: await calculateJwkThumbprint(jwk),
    async sign(payload, header) {
      const jws = new FlattenedSign(new TextEncoder().encode(payload));
      return JSON.stringify(await jws.setProtectedHeader({ ...header, alg: ALGORITHM }).sign(key));
    },
  };
}

export interface ExternalAccount {
  readonly kid: string;
  /** Base64url, as the authority's site shows it. */
  readonly key: string;
}

/** Says that whoever has `external` with the authority has this key too (RFC 8555 §7.3.4). */
export async function bindExternalAccount(
  { kid, key }: ExternalAccount,
  jwk: JWK,
  url: string,
): Promise<unknown> {
  const jws = new FlattenedSign(new TextEncoder().encode(JSON.stringify(jwk)));
  const secret = Uint8Array.fromBase64(key, { alphabet: "base64url" });
  return await jws.setProtectedHeader({ alg: "HS256", kid, url }).sign(secret);
}
