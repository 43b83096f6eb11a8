import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import type { Entropy } from "../core/ports/entropy.ts";
import type { Secrets } from "../core/ports/secrets.ts";

/** Tells a leaked secret for what it is, to people and to secret scanners. */
const SECRET_PREFIX = "phd_";
const SECRET_BYTES = 24;
/** A plain digest is enough: secrets of 192 random bits cannot be guessed, so nothing has to be slow. */
const HASH_PREFIX = "sha256:";

/** Makes device secrets and keeps only their digests. */
export function createDeviceSecrets(entropy: Entropy): Secrets {
  return {
    async issue() {
      const secret = SECRET_PREFIX + entropy.token(SECRET_BYTES);
      return { secret, hash: HASH_PREFIX + digestOf(secret).toString("base64url") };
    },
    async matches(secret, hash) {
      return timingSafeEqual(digestOf(secret), digestIn(hash));
    },
  };
}

function digestOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

function digestIn(hash: string): Buffer {
  const digest = Buffer.from(hash.slice(HASH_PREFIX.length), "base64url");
  if (hash.startsWith(HASH_PREFIX) && digest.length === 32) return digest;
  throw new Error("Cannot check secret: the kept hash is of a kind this build does not know");
}
