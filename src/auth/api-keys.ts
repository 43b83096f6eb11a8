import { createHash, timingSafeEqual } from "node:crypto";
import type { ApiKeys } from "../core/ports/api-keys.ts";

/** The key with which whoever sits at the machine may use the server API during development. */
export const DEV_API_KEY = "dev";

/** Keeps digests only: they are of one length, which a comparison in constant time needs. */
export function createApiKeys(keys: readonly string[]): ApiKeys {
  const digests = keys.map(digestOf);
  return {
    matches(key) {
      const digest = digestOf(key);
      // All are compared: to stop at the first match would tell its place by the time.
      return digests.filter((known) => timingSafeEqual(known, digest)).length > 0;
    },
  };
}

function digestOf(key: string) {
  return createHash("sha256").update(key).digest();
}
