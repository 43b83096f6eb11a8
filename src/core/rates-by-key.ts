import { type Rate, refillMs, TokenBucket } from "./rate-limit.ts";

export interface RatesByKeyOptions {
  readonly rate: Rate;
  /** Keys remembered at a time; of more than that the one unseen for longest is forgiven. */
  readonly keysMax: number;
}

interface Entry {
  readonly bucket: TokenBucket;
  lastMs: number;
}

/** How many quiet keys are forgotten for each one that comes: more than can be added. */
const SWEPT_PER_TAKE = 2;

/** The same rate for each of many keys. What it remembers of them has a bound. */
export class RatesByKey {
  readonly #rate: Rate;
  readonly #keysMax: number;
  /** The one unseen for longest first. */
  readonly #entries = new Map<string, Entry>();

  constructor({ rate, keysMax }: RatesByKeyOptions) {
    this.#rate = rate;
    this.#keysMax = keysMax;
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  /** Counts one more of `key`; false when it is one too many. */
  take(key: string, nowMs: number): boolean {
    this.#sweep(nowMs);
    const entry = this.#entries.get(key) ?? {
      bucket: new TokenBucket(this.#rate, nowMs),
      lastMs: nowMs,
    };
    entry.lastMs = nowMs;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > this.#keysMax) this.#forgetOldest();
    return entry.bucket.take(nowMs);
  }

  /** Whether one more of `key` would be one too many. Counts nothing. */
  isSpent(key: string, nowMs: number): boolean {
    return this.#entries.get(key)?.bucket.isEmpty(nowMs) === true;
  }

  /** Who has been quiet for so long has all its tokens again, like one who comes for the first time. */
  #sweep(nowMs: number): void {
    const quietMs = refillMs(this.#rate);
    for (let swept = 0; swept < SWEPT_PER_TAKE; swept += 1) {
      const [oldest] = this.#entries.values();
      if (oldest === undefined || nowMs - oldest.lastMs < quietMs) return;
      this.#forgetOldest();
    }
  }

  #forgetOldest(): void {
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}
