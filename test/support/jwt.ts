import { createHmac, type KeyObject, sign } from "node:crypto";

type Json = Readonly<Record<string, unknown>>;

/** What to put into a token, and with what to sign it. */
export interface Jwt {
  /** Text is put in as it is. */
  readonly claims?: Json | string;
  /** Beside `alg` and `typ`, or in their place. Text is put in as it is. */
  readonly header?: Json | string;
  /** A secret, or a private key. */
  readonly key: string | KeyObject;
  /** What the signature really is, whatever the header says. */
  readonly alg?: string;
}

/** Makes a token by hand, as any backend may, and as no library would. */
export function makeJwt({ claims = {}, header = {}, key, alg = "HS256" }: Jwt): string {
  const head = typeof header === "string" ? header : { alg, typ: "JWT", ...header };
  const signed = `${encode(head)}.${encode(claims)}`;
  return `${signed}.${signatureOf(signed, alg, key).toString("base64url")}`;
}

/** The text of a token's claims. */
export function claimsIn(token: string): string {
  return Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
}

function encode(part: Json | string): string {
  return Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");
}

function signatureOf(text: string, alg: string, key: string | KeyObject): Buffer {
  const hash = `sha${alg.slice(2)}`;
  if (typeof key === "string") return createHmac(hash, key).update(text).digest();
  if (alg.startsWith("Ed")) return sign(undefined, Buffer.from(text), key);
  return sign(hash, Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
}
