import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import type { Signer } from "../core/ports/signer.ts";

const SECRET_PREFIX = "whsec_";

/** Signs as Standard Webhooks says, with a symmetric secret: `whsec_` and base64. */
export function createSigner(secret: string): Signer {
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), "base64");
  return {
    sign({ id, timeMs, body }) {
      const timestamp = Math.floor(timeMs / 1000);
      const headerId = encodeId(id);
      const signature = createHmac("sha256", key).update(`${headerId}.${timestamp}.${body}`);
      return {
        "webhook-id": headerId,
        "webhook-timestamp": String(timestamp),
        "webhook-signature": `v1,${signature.digest("base64")}`,
      };
    },
  };
}

/**
 * An id may hold what a device has chosen. A full stop in it would let one signature fit two messages
 * (the specification forbids it), and a header takes ASCII only.
 */
function encodeId(id: string): string {
  return encodeURIComponent(id.toWellFormed()).replaceAll(".", "%2E");
}
