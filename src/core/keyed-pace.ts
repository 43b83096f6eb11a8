import type { Clock } from "./ports/clock.ts";
import type { Rate } from "./rate-limit.ts";
import { RatesByKey } from "./rates-by-key.ts";

export interface KeyedPaceOptions {
  /** 0 per second sets no limit. Read for each take: it may change. */
  readonly rate: Rate;
  /** See {@link RatesByKey}. */
  readonly keysMax: number;
  readonly clock: Clock;
}

/** How often each of many callers may do something, as the operator says at the time. */
export class KeyedPace {
  readonly #rate: Rate;
  readonly #rates: RatesByKey;
  readonly #clock: Clock;

  constructor({ rate, keysMax, clock }: KeyedPaceOptions) {
    this.#rate = rate;
    this.#rates = new RatesByKey({ rate, keysMax });
    this.#clock = clock;
  }

  /** Counts one more; false when it is one too many. */
  take(key: string): boolean {
    return this.#rate.perSecond === 0 || this.#rates.take(key, this.#clock.monotonicMs());
  }

  /** Whether one more would be one too many. Counts nothing. */
  isSpent(key: string): boolean {
    return this.#rate.perSecond > 0 && this.#rates.isSpent(key, this.#clock.monotonicMs());
  }
}
