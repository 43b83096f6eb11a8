import { createLocalJWKSet, type JWK, type LocalJWKSet } from "jose";
import { z } from "zod";
import { LIMITS } from "../core/limits.ts";
import type { WebClient } from "../core/ports/web-client.ts";

export type FetchedKeySet =
  | { readonly ok: true; readonly select: LocalJWKSet; readonly count: number }
  | { readonly ok: false; readonly why: string };

/** A modulus of 2048 bits in base64url: shorter ones can be broken (RFC 7518 §3.3). */
const RSA_MODULUS_MIN_CHARS = 342;

const KeySet = z.object({ keys: z.array(z.unknown()) });

/** A key we can use. Secrets and private keys have no place in a published set. */
const PublicKey = z.looseObject({
  kty: z.enum(["RSA", "EC", "OKP"]),
  n: z.string().min(RSA_MODULUS_MIN_CHARS).optional(),
  d: z.undefined().optional(),
});

/** Gets a published set of keys (RFC 7517). Keys of no use to us are left out, as §5 wants. */
export async function fetchKeySet(url: string, web: WebClient): Promise<FetchedKeySet> {
  const answer = await web.send({
    method: "GET",
    url,
    headers: { accept: "application/jwk-set+json, application/json" },
    timeoutMs: LIMITS.keySetTimeoutMs,
    answerMaxBytes: LIMITS.keySetMaxBytes,
  });
  if (!answer.ok) return answer;
  if (answer.status !== 200) return { ok: false, why: `answered with status ${answer.status}` };
  const set = KeySet.safeParse(parseJson(answer.text));
  if (!set.success) return { ok: false, why: "answered with something that is no set of keys" };
  const keys = set.data.keys.filter(isPublicKey);
  return { ok: true, select: createLocalJWKSet({ keys }), count: keys.length };
}

function isPublicKey(key: unknown): key is JWK {
  return PublicKey.safeParse(key).success;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON is no set of keys: the schema says so.
    return undefined;
  }
}
