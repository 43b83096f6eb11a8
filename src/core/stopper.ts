import type { StopSignal } from "./ports/stop-signal.ts";

/** A signal of our own, which also aborts when the one that it follows does. */
export class Stopper implements StopSignal {
  readonly #followed: StopSignal;
  readonly #listeners = new Set<() => void>();
  readonly #follow = (): void => this.abort();
  #isAborted: boolean;

  constructor(followed: StopSignal) {
    this.#followed = followed;
    this.#isAborted = followed.aborted;
    followed.addEventListener("abort", this.#follow);
  }

  get aborted(): boolean {
    return this.#isAborted;
  }

  /** To be called in the end in any case: the followed signal may live on. Twice is harmless. */
  abort(): void {
    this.#isAborted = true;
    this.#followed.removeEventListener("abort", this.#follow);
    for (const listener of [...this.#listeners]) listener();
    this.#listeners.clear();
  }

  addEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.delete(listener);
  }
}
