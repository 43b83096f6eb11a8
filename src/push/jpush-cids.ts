import type { Clock } from "../core/ports/clock.ts";
import type { JPushFailure } from "./jpush-answer.ts";
import { RememberedIds } from "./remembered-ids.ts";

/** Ids fetched at once: as many as an app without a contract may have. */
export const CIDS_PER_FETCH = 10;
/** JPush knows an id for a day. */
const CID_FRESH_MS = 12 * 60 * 60 * 1000;

/** One id, or why there is none. */
export type CidResult = { readonly cid: string } | { readonly failure: JPushFailure };
export type CidFetch = () => Promise<
  { readonly cids: readonly string[] } | { readonly failure: JPushFailure }
>;

/**
 * The ids by which JPush knows a push that it is told twice.
 *
 * They have to come from JPush, so some are fetched ahead. Whoever does not know whether a push went
 * through keeps its id, and gets the same one for the same push again.
 */
export class JPushCids {
  readonly #fetch: CidFetch;
  readonly #clock: Clock;
  readonly #kept: RememberedIds;
  #spare: string[] = [];
  #fetchedMs = 0;
  #fetching: Promise<JPushFailure | undefined> | undefined;

  constructor(fetch: CidFetch, clock: Clock) {
    this.#fetch = fetch;
    this.#clock = clock;
    this.#kept = new RememberedIds(clock, CID_FRESH_MS);
  }

  /** The id for a push, which `key` names. */
  async take(key: string): Promise<CidResult> {
    const kept = this.#kept.take(key);
    if (kept !== undefined) return { cid: kept };
    while (true) {
      const cid = this.#areFresh() ? this.#spare.shift() : undefined;
      if (cid !== undefined) return { cid };
      this.#fetching ??= this.#refill();
      const failure = await this.#fetching;
      if (failure !== undefined) return { failure };
    }
  }

  /** Remembers the id of a push that will be tried again. */
  keep(key: string, cid: string): void {
    this.#kept.keep(key, cid);
  }

  async #refill(): Promise<JPushFailure | undefined> {
    const startedMs = this.#clock.monotonicMs();
    try {
      const result = await this.#fetch();
      if ("failure" in result) return result.failure;
      this.#spare = [...result.cids];
      this.#fetchedMs = startedMs;
      return undefined;
    } finally {
      this.#fetching = undefined;
    }
  }

  #areFresh(): boolean {
    return this.#clock.monotonicMs() - this.#fetchedMs < CID_FRESH_MS;
  }
}
