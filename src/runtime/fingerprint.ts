import { createHash } from "node:crypto";
import type { Fingerprint } from "../core/ports/fingerprint.ts";

/**
 * Half of SHA-256 is kept, for each event a day long. That two texts agree in it takes 2^64 tries,
 * and whoever spent them would only cheat itself: fingerprints are compared within one device.
 */
const KEPT_BYTES = 16;

/** The first half of the SHA-256 digest. */
export const fingerprintOf: Fingerprint = (text) =>
  createHash("sha256").update(text).digest().subarray(0, KEPT_BYTES).toString("base64url");
