import { hkdfSync } from "node:crypto";
import { errors, jwtVerify, SignJWT } from "jose";
import { z } from "zod";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Session, Sessions } from "../core/ports/sessions.ts";

export interface SessionTokensOptions {
  /** The first makes sessions, all check them: to take one away ends the sessions it made. */
  readonly secrets: readonly string[];
  readonly ttlMs: number;
  readonly clock: Clock;
}

/** Says of a leaked one what it is, to people and to secret scanners. */
const SESSION_PREFIX = "phs_";
const ALGORITHM = "HS256";
/** Keys made with another label are other keys: what the same secret signs elsewhere is no session. */
const KEY_LABEL = "posthorn session";
const KEY_BYTES = 32;

const Claims = z.object({ sub: z.string(), login: z.string(), exp: z.number() });

/**
 * Signs sessions (JWT) instead of keeping them, so that they outlive a restart and cost no store. One
 * alone cannot be taken back; a change of secrets takes back all.
 */
export function createSessionTokens({ secrets, ttlMs, clock }: SessionTokensOptions): Sessions {
  const keys = secrets.map(keyOf);

  async function read(text: string): Promise<Session> {
    if (!text.startsWith(SESSION_PREFIX) || text.length > LIMITS.tokenMaxChars) throw unreadable();
    const token = text.slice(SESSION_PREFIX.length);
    for (const key of keys) {
      const session = await sessionSignedBy(key, token, clock);
      if (session !== undefined) return session;
    }
    throw new Fault("session_invalid", { detail: "its signature does not fit any key in use" });
  }

  return {
    async issue(user, login) {
      const [key] = keys;
      if (key === undefined) throw new Error("Cannot make session: there is no secret");
      const issuedAtS = Math.floor(clock.nowMs() / 1000);
      const expiresAtS = issuedAtS + Math.floor(ttlMs / 1000);
      const token = await new SignJWT({ sub: user, login })
        .setProtectedHeader({ alg: ALGORITHM })
        .setIssuedAt(issuedAtS)
        .setExpirationTime(expiresAtS)
        .sign(key);
      return { text: SESSION_PREFIX + token, user, login, expiresAtMs: expiresAtS * 1000 };
    },
    verify: read,
  };
}

/** Undefined when another key made the signature. */
async function sessionSignedBy(
  key: Uint8Array,
  token: string,
  clock: Clock,
): Promise<Session | undefined> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [ALGORITHM],
      currentDate: new Date(clock.nowMs()),
    });
    const { sub, login, exp } = Claims.parse(payload);
    return { user: sub, login, expiresAtMs: exp * 1000 };
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return undefined;
    if (error instanceof errors.JWTExpired) {
      throw new Fault("session_expired", { detail: "its time is over" });
    }
    // Errors of the library hold claims, so not even as a cause do they go on.
    if (error instanceof errors.JOSEError) throw unreadable();
    throw error;
  }
}

function unreadable(): Fault {
  return new Fault("session_invalid", { detail: "it is none of ours" });
}

function keyOf(secret: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, "", KEY_LABEL, KEY_BYTES));
}
