import { errors, type LocalJWKSet } from "jose";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { WebClient } from "../core/ports/web-client.ts";
import { fetchKeySet } from "./fetch-key-set.ts";
import {
  ECDSA_ALGORITHMS,
  type KeySource,
  RSA_ALGORITHMS,
  type TokenHeader,
  type TokenKey,
} from "./token-keys.ts";

export interface KeySetOptions {
  /** Where the keys are published (JWKS). */
  readonly url: string;
  readonly web: WebClient;
  readonly clock: Clock;
  readonly log: Log;
}

interface KnownKeys {
  readonly select: LocalJWKSet;
  /** When they were asked for: what was published later is not among them. */
  readonly askedAtMs: number;
}

/** Never HS…: what is published is no secret. */
const ALGORITHMS = [...RSA_ALGORITHMS, ...ECDSA_ALGORITHMS, "EdDSA", "Ed25519"];

/**
 * Keys that the issuer of the tokens publishes and changes.
 *
 * They are asked for when the first token comes, when they get old, and when a token names a key
 * that is not among them, with a pause after each attempt. While asking fails the old ones serve for
 * a while; then, and for a key that could not be looked up yet, `token_keys_unreachable` is thrown:
 * a client takes "invalid" for final, so that must not be said of a key that may just be new.
 */
export function createKeySet({ url, web, clock, log }: KeySetOptions): KeySource {
  const { origin, pathname } = new URL(url);
  let known: KnownKeys | undefined;
  let asking: Promise<void> | undefined;
  let pausedUntilMs = 0;

  async function ask(): Promise<void> {
    const askedAtMs = clock.monotonicMs();
    const fetched = await fetchKeySet(url, web);
    pausedUntilMs = clock.monotonicMs() + LIMITS.keySetPauseMs;
    // Without the query, which may hold a key.
    const fields = { url: `${origin}${pathname}` };
    if (fetched.ok) {
      known = { select: fetched.select, askedAtMs };
      log.info("keys.loaded", { ...fields, keys: fetched.count });
    } else {
      log.warn("keys.failed", { ...fields, why: `it ${fetched.why}` });
    }
  }

  function renew(): Promise<void> {
    if (asking === undefined && clock.monotonicMs() < pausedUntilMs) return Promise.resolve();
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  }

  function keysNotOlderThan(ageMaxMs: number): KnownKeys | undefined {
    const isGood = known && clock.monotonicMs() - known.askedAtMs < ageMaxMs;
    return isGood ? known : undefined;
  }

  async function currentKeys(): Promise<KnownKeys> {
    if (keysNotOlderThan(LIMITS.keySetFreshMs) === undefined) await renew();
    const keys = keysNotOlderThan(LIMITS.keySetStaleMs);
    if (keys !== undefined) return keys;
    throw unreachable("tokens.jwks_url does not answer with keys");
  }

  return {
    algorithms: ALGORITHMS,
    async keysFor(header) {
      const nowMs = clock.monotonicMs();
      const first = await currentKeys();
      const keys = await matching(first, header);
      if (keys.length > 0 || first.askedAtMs >= nowMs) return keys;
      await renew();
      const second = await currentKeys();
      if (second !== first) return matching(second, header);
      throw unreachable("its key is not known yet");
    },
  };
}

async function matching({ select }: KnownKeys, header: TokenHeader): Promise<TokenKey[]> {
  try {
    return [await select({ ...header })];
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) return firstOf(error);
    // None fits, or the one that does cannot be imported: such a key is none.
    return [];
  }
}

async function firstOf(keys: AsyncIterable<TokenKey>): Promise<TokenKey[]> {
  const first: TokenKey[] = [];
  for await (const key of keys) {
    first.push(key);
    if (first.length === LIMITS.tokenKeysTried) break;
  }
  return first;
}

function unreachable(detail: string): Fault {
  return new Fault("token_keys_unreachable", { detail });
}
