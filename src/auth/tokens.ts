import { Fault } from "../core/faults.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { TokenVerifier } from "../core/ports/tokens.ts";
import { readSignedToken, type TokenRules } from "./signed-token.ts";
import { parseSubscriptionClaims } from "./subscription-claims.ts";
import { parseTokenClaims } from "./token-claims.ts";
import { type KeySource, secretKeys } from "./token-keys.ts";

export interface TokensOptions {
  /** At least 32 characters, as RFC 7518 §3.2 wants of HS256. */
  readonly secret?: string;
  /** Tokens from before a change of secrets. */
  readonly previousSecret?: string;
  /** Keys that are no secrets. */
  readonly sources?: readonly KeySource[];
  /** What `aud` must hold. Absent: anything. */
  readonly audience?: string;
  /** What `iss` must be. Absent: anything. */
  readonly issuer?: string;
  /** The claim that names the user. */
  readonly userClaim?: string;
  readonly clock: Clock;
}

/** How far the clocks of issuers may be off. Counted into `expiresAtMs`, so that no token is accepted and ended at once. */
const CLOCK_TOLERANCE_S = 5;

/** Checks tokens (JWT). */
export function createTokens(options: TokensOptions): TokenVerifier {
  const { userClaim = "sub", clock } = options;
  const rules = rulesOf(options);
  return {
    async verify(token) {
      const payload = await readSignedToken(token, rules);
      return untilItsEnd(parseTokenClaims(payload, userClaim), clock);
    },
    async verifySubscription(token, target) {
      const payload = await readSignedToken(token, rules);
      return untilItsEnd(parseSubscriptionClaims(payload, { ...target, userClaim }), clock);
    },
  };
}

function rulesOf(options: TokensOptions): TokenRules {
  const { secret, previousSecret, sources = [], audience, issuer, clock } = options;
  const secrets = [secret, previousSecret].filter((it) => it !== undefined);
  return {
    sources: secrets.length === 0 ? sources : [secretKeys(secrets), ...sources],
    clockToleranceS: CLOCK_TOLERANCE_S,
    nowMs: () => clock.nowMs(),
    ...(audience !== undefined && { audience }),
    ...(issuer !== undefined && { issuer }),
  };
}

/** The claims with the end that counts here. A token may be good and what it starts over (`expire_at`). */
function untilItsEnd<Claims extends { readonly expiresAtMs?: number }>(
  claims: Claims,
  clock: Clock,
): Claims {
  if (claims.expiresAtMs === undefined) return claims;
  const expiresAtMs = claims.expiresAtMs + CLOCK_TOLERANCE_S * 1000;
  if (expiresAtMs > clock.nowMs()) return { ...claims, expiresAtMs };
  throw new Fault("token_expired", { detail: "its expire_at is over" });
}
