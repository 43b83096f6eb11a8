/** How often something may happen: `perSecond` in the long run, `burst` at once. Read for each take: it may change. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

const SECOND_MS = 1000;

/**
 * Lets things happen at a rate: each takes a token, tokens come back with time. Times are those of a
 * clock that never jumps.
 */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #atMs: number;

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#atMs = nowMs;
  }

  /** Takes a token; false when there is none. */
  take(nowMs: number): boolean {
    if (this.isEmpty(nowMs)) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Whether there is no token to take. */
  isEmpty(nowMs: number): boolean {
    const { perSecond, burst } = this.#rate;
    const earned = ((nowMs - this.#atMs) / SECOND_MS) * perSecond;
    this.#tokens = Math.min(burst, this.#tokens + earned);
    this.#atMs = nowMs;
    return this.#tokens < 1;
  }
}

/** After this long without a take a bucket is full, and says no more than a new one. */
export function refillMs({ perSecond, burst }: Rate): number {
  return (burst / perSecond) * SECOND_MS;
}
