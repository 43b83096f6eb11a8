import { createHmac } from "node:crypto";

/** The token secret of every server the suite starts. */
export const TOKEN_SECRET = "black-box-token-secret-0123456789abcdef";

export interface TokenClaims {
  readonly sub?: string;
  readonly exp?: number;
  readonly devices?: readonly string[];
  /** Patterns of the commands that may be sent, by device. */
  readonly commands?: Readonly<Record<string, readonly string[]>>;
  readonly channels?: readonly string[];
  readonly subs?: Readonly<Record<string, unknown>>;
  readonly channel?: string;
  readonly info?: unknown;
  readonly data?: unknown;
}

/** Signs a token (HS256) without the product's help, as a customer's backend does. */
export function signToken(claims: TokenClaims, secret = TOKEN_SECRET): string {
  const head = encode({ alg: "HS256", typ: "JWT" });
  const body = encode({ exp: inOneHour(), ...claims });
  const mac = createHmac("sha256", secret).update(`${head}.${body}`).digest("base64url");
  return `${head}.${body}.${mac}`;
}

/** Seconds since 1970, one hour from now: what the claim `exp` holds. */
function inOneHour(): number {
  return Math.floor(Date.now() / 1000) + 3600;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
