import type { Cancel, Clock } from "../../core/ports/clock.ts";
import type { Log } from "../../core/ports/log.ts";
import type { StoreMade } from "./private-file.ts";
import type { BatchRequest, OpenRequest } from "./wire.ts";
import { createWorkerLink, type WorkerLike, type WorkerLink } from "./worker-link.ts";

/** One way into the store. */
export interface Thread extends AsyncDisposable {
  /** Rejects with `store_failed` when the worker dies meanwhile, and until there is another one. */
  request(request: BatchRequest): Promise<unknown>;
}

export interface ThreadOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly start: () => WorkerLike;
}

/** From a worker's death to the next one's start; doubled for each that does not last. */
const RESTART_MIN_MS = 100;
/** Also how long a worker must live to count as one that lasts. */
const RESTART_MAX_MS = 30_000;

/** Opens the store in a worker of its own; rejects when that is impossible. */
export async function openThread(request: OpenRequest, options: ThreadOptions): Promise<Thread> {
  const thread = new RestartingThread(request, options);
  await thread.open();
  return thread;
}

/**
 * Opens another worker when one dies: what a file holds is not lost. What memory held is, and an
 * empty store in its place would be a lie, so that thread stays dead and says so.
 */
class RestartingThread implements Thread {
  readonly #request: OpenRequest;
  readonly #options: ThreadOptions;
  readonly #isForgetful: boolean;
  #link: WorkerLink | undefined;
  #openedAtMs = 0;
  #delayMs = RESTART_MIN_MS;
  #restarting: Promise<void> | undefined;
  #cancelRestart: Cancel = () => undefined;
  #isClosing = false;
  #loggedFailure = "";

  constructor(request: OpenRequest, options: ThreadOptions) {
    this.#request = request;
    this.#options = options;
    this.#isForgetful = request.type === "open-writing" && request.location === "memory";
  }

  async open(): Promise<void> {
    let isOpen = false;
    const link = createWorkerLink(this.#options.start(), {
      epitaph: this.#isForgetful
        ? "the storage thread ended and what it kept in memory is lost; restart the server"
        : "the storage thread ended; it is being restarted",
      died: (error) => {
        if (isOpen) this.#bury(error);
      },
    });
    let made: StoreMade | undefined;
    try {
      made = (await link.request(this.#request)) as StoreMade | undefined;
    } catch (error) {
      link.end();
      throw error;
    }
    isOpen = true;
    if (made !== undefined) this.#options.log.warn("store.made", { ...made });
    this.#link = link;
    this.#openedAtMs = this.#options.clock.monotonicMs();
  }

  request(request: BatchRequest): Promise<unknown> {
    return this.#opened().request(request);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    this.#cancelRestart();
    await this.#restarting;
    const link = this.#opened();
    try {
      if (link.isAlive()) await link.request({ type: "close" });
    } finally {
      link.end();
    }
  }

  #bury(error: Error): void {
    this.#logFailure(error);
    if (this.#isForgetful || this.#isClosing) return;
    const livedMs = this.#options.clock.monotonicMs() - this.#openedAtMs;
    if (livedMs >= RESTART_MAX_MS) this.#delayMs = RESTART_MIN_MS;
    this.#restartLater();
  }

  #restartLater(): void {
    this.#cancelRestart = this.#options.clock.after(this.#delayMs, () => {
      this.#restarting = this.#restart();
    });
    this.#delayMs = Math.min(2 * this.#delayMs, RESTART_MAX_MS);
  }

  async #restart(): Promise<void> {
    try {
      await this.open();
      this.#loggedFailure = "";
      this.#options.log.info("store.recovered", { thread: this.#request.type });
    } catch (error) {
      this.#logFailure(error);
      if (!this.#isClosing) this.#restartLater();
    }
  }

  /** One line for a trouble, however often it stops a restart. */
  #logFailure(error: unknown): void {
    const failure = String(error);
    if (failure === this.#loggedFailure) return;
    this.#loggedFailure = failure;
    this.#options.log.error("store.failed", { thread: this.#request.type, error });
  }

  #opened(): WorkerLink {
    if (!this.#link) throw new Error("Cannot use store: its thread was never opened");
    return this.#link;
  }
}
