import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";

interface Remembered {
  readonly id: string;
  readonly sinceMs: number;
}

/**
 * The ids of wake-ups whose outcome is not known: the same request gets the same id again, by which
 * the other side knows it for a repetition.
 */
export class RememberedIds {
  readonly #clock: Clock;
  readonly #freshMs: number;
  /** Oldest first. */
  readonly #ids = new Map<string, Remembered>();

  constructor(clock: Clock, freshMs: number) {
    this.#clock = clock;
    this.#freshMs = freshMs;
  }

  /** Gives out the id of the request that `key` names, and forgets it. */
  take(key: string): string | undefined {
    const found = this.#ids.get(key);
    this.#ids.delete(key);
    const isFresh = found && this.#clock.monotonicMs() - found.sinceMs < this.#freshMs;
    return isFresh ? found.id : undefined;
  }

  /** Remembers the id of a request that will be made again. */
  keep(key: string, id: string): void {
    this.#ids.set(key, { id, sinceMs: this.#clock.monotonicMs() });
    const [oldest] = this.#ids.keys();
    if (this.#ids.size > LIMITS.pushesRemembered && oldest !== undefined) this.#ids.delete(oldest);
  }
}
