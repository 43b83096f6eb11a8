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
  /** The mini-program of each login, by the login's name: a session is good for that one alone. */
  readonly appIds: ReadonlyMap<string, string>;
  readonly ttlMs: number;
  readonly clock: Clock;
}

/** Says of a leaked one what it is, to people and to secret scanners. */
const SESSION_PREFIX = "phs_";
const ALGORITHM = "HS256";
/** Keys made with another label are other keys: what the same secret signs elsewhere is no session. */
const KEY_LABEL = "posthorn session";
const KEY_BYTES = 32;

type Claims = z.infer<typeof Claims>;
const Claims = z.object({
  sub: z.string(),
  login: z.string(),
  app: z.string(),
  exp: z.number(),
});

/**
 * Signs sessions (JWT) instead of keeping them, so that they outlive a restart and cost no store. One
 * alone cannot be taken back; a change of secrets takes back all.
 */
export function createSessionTokens(options: SessionTokensOptions): Sessions {
  const { secrets, appIds, ttlMs, clock } = options;
  const keys = secrets.map(keyOf);

  /** What somebody was called in one mini-program names nobody, or somebody else, in another. */
  function sessionOf({ sub, login, app, exp }: Claims): Session {
    if (appIds.get(login) === app) return { user: sub, expiresAtMs: exp * 1000 };
    const detail = "its login is for another mini-program now, or not offered any more";
    throw new Fault("session_invalid", { detail });
  }

  async function read(text: string): Promise<Session> {
    if (!text.startsWith(SESSION_PREFIX) || text.length > LIMITS.tokenMaxChars) throw unreadable();
    const token = text.slice(SESSION_PREFIX.length);
    for (const key of keys) {
      const claims = await claimsSignedBy(key, token, clock);
      if (claims !== undefined) return sessionOf(claims);
    }
    throw new Fault("session_invalid", { detail: "its signature does not fit any key in use" });
  }

  return {
    async issue(user, login) {
      const [key] = keys;
      if (key === undefined) throw new Error("Cannot make session: there is no secret");
      const app = appIds.get(login);
      if (app === undefined) {
        throw new Error(`Cannot make session: there is no login ${JSON.stringify(login)}`);
      }
      const issuedAtS = Math.floor(clock.nowMs() / 1000);
      const expiresAtS = issuedAtS + Math.floor(ttlMs / 1000);
      const token = await new SignJWT({ sub: user, login, app })
        .setProtectedHeader({ alg: ALGORITHM })
        .setIssuedAt(issuedAtS)
        .setExpirationTime(expiresAtS)
        .sign(key);
      return { text: SESSION_PREFIX + token, user, expiresAtMs: expiresAtS * 1000 };
    },
    verify: read,
  };
}

/** Undefined when another key made the signature. */
async function claimsSignedBy(
  key: Uint8Array,
  token: string,
  clock: Clock,
): Promise<Claims | undefined> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [ALGORITHM],
      currentDate: new Date(clock.nowMs()),
    });
    const { data } = Claims.safeParse(payload);
    // Sessions of an earlier version say less.
    if (data === undefined) throw unreadable();
    return data;
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
