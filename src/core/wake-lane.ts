import { LIMITS } from "./limits.ts";
import type { Clock } from "./ports/clock.ts";
import type { Log } from "./ports/log.ts";
import type { PushProvider, WakeOutcome, WakeRequest } from "./ports/push.ts";

export interface WakeLaneOptions {
  /** What the provider is called in the configuration. */
  readonly name: string;
  readonly provider: PushProvider;
  readonly clock: Clock;
  readonly log: Log;
}

/** Makes the request when it is known what to say; undefined when there is nothing to say any more. */
export type MakeRequest = () => Promise<WakeRequest | undefined>;

/**
 * The way to one provider: only so many requests at a time, in the order in which they come.
 *
 * A provider that needs an operator is left alone for a while. Then it is tried again, because not
 * everything that an operator does ends in a restart.
 */
export class WakeLane {
  readonly #options: WakeLaneOptions;
  readonly #waiting: (() => void)[] = [];
  #provider: PushProvider;
  #running = 0;
  #stopped = { untilMs: 0, why: "" };

  constructor(options: WakeLaneOptions) {
    this.#options = options;
    this.#provider = options.provider;
  }

  /** What has its turn from now on goes there, also where the last one needed an operator. */
  replaceProvider(provider: PushProvider): void {
    this.#provider = provider;
    this.#stopped = { untilMs: 0, why: "" };
  }

  /** Resolves to "needless" when `makeRequest` had nothing to say. Rejects with what that, or a bug, throws. */
  async wake(makeRequest: MakeRequest): Promise<WakeOutcome | "needless"> {
    await this.#enter();
    try {
      if (this.#isStopped()) return { outcome: "stopped", why: this.#stopped.why };
      const request = await makeRequest();
      if (request === undefined) return "needless";
      const outcome = await this.#provider.wake(request);
      if (outcome.outcome === "stopped") this.#stop(outcome.why);
      return outcome;
    } finally {
      this.#leave();
    }
  }

  #isStopped(): boolean {
    return this.#options.clock.monotonicMs() < this.#stopped.untilMs;
  }

  /** Of several requests that were under way only the first one to fail is told. */
  #stop(why: string): void {
    if (this.#isStopped()) return;
    const { name, clock, log } = this.#options;
    log.error("push.stopped", { provider: name, why, retryMs: LIMITS.pushStoppedMs });
    this.#stopped = { untilMs: clock.monotonicMs() + LIMITS.pushStoppedMs, why };
  }

  async #enter(): Promise<void> {
    if (this.#running < LIMITS.pushesAtATime) this.#running += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Hands the place on to the next, so that nobody who comes later can take it. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}
