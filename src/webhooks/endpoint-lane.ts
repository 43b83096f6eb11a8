import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Cancel } from "../core/ports/clock.ts";
import type { OutboxRow } from "../core/ports/outbox.ts";
import { type DeliveryOptions, deliver, type WebhookEndpoint } from "./delivery.ts";
import type { Verdict } from "./verdict.ts";

/**
 * The way to one endpoint: takes from the outbox what is due, so much at a time, and delivers it.
 *
 * Every endpoint has its own, so that a slow or broken one delays nobody else.
 */
export class EndpointLane {
  #endpoint: WebhookEndpoint;
  readonly #options: DeliveryOptions;
  readonly #running = new Set<Promise<void>>();
  #looking = Promise.resolve();
  #isLooking = false;
  #looksAgain = false;
  #cancelTimer: Cancel = () => {};
  #pausedUntilMs = 0;
  /** Completes the sentence "it …". */
  #whyDisabled: string | undefined;
  #isClosed = false;

  constructor(endpoint: WebhookEndpoint, options: DeliveryOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
  }

  /** Why nothing goes there any more; undefined while something may. */
  get whyDisabled(): string | undefined {
    return this.#whyDisabled;
  }

  /** Tries again an endpoint that wanted nothing any more. Returns at once. */
  enable(): void {
    if (this.#whyDisabled === undefined) return;
    this.#whyDisabled = undefined;
    this.#options.log.info("webhook.enabled", { endpoint: this.#endpoint.name });
    this.look();
  }

  /** What is taken from now on goes there, also where the last one wanted nothing any more. */
  replaceEndpoint(endpoint: WebhookEndpoint): void {
    if (endpoint === this.#endpoint) return;
    this.#endpoint = endpoint;
    this.#pausedUntilMs = 0;
    this.enable();
  }

  /** Something may be due. Returns at once. */
  look(): void {
    if (this.#isStopped) return;
    this.#looksAgain = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#looking = this.#lookAround();
  }

  /** Starts nothing any more; resolves when all that was started is over. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTimer();
    await this.#looking;
    await Promise.all(this.#running);
  }

  async #lookAround(): Promise<void> {
    while (this.#looksAgain && !this.#isStopped) {
      this.#looksAgain = false;
      const nextMs = await this.#startDue();
      this.#lookAfter(Math.min(nextMs, LIMITS.webhookPollMs));
    }
    this.#isLooking = false;
  }

  /** How long until something else may be due. */
  async #startDue(): Promise<number> {
    const { clock, log } = this.#options;
    const pauseMs = this.#pausedUntilMs - clock.monotonicMs();
    if (pauseMs > 0) return pauseMs;
    try {
      return await this.#takeAndStart();
    } catch (error) {
      // A store that cannot answer says so itself.
      if (!(error instanceof Fault)) log.error("task.failed", { stage: "webhook_take", error });
      return LIMITS.webhookPollMs;
    }
  }

  async #takeAndStart(): Promise<number> {
    const max = LIMITS.webhooksAtATime - this.#running.size;
    // Who finishes looks again.
    if (max <= 0) return LIMITS.webhookPollMs;
    const { clock, outbox } = this.#options;
    const { rows, nextAtMs } = await outbox.take({
      endpoint: this.#endpoint.name,
      nowMs: clock.nowMs(),
      max,
      leaseMs: LIMITS.webhookLeaseMs,
    });
    // What was taken too late is due again when its lease is over.
    if (!this.#isStopped) for (const row of rows) this.#start(row);
    return nextAtMs === undefined ? LIMITS.webhookPollMs : nextAtMs - clock.nowMs();
  }

  #start(row: OutboxRow): void {
    const running = this.#deliver(row).finally(() => {
      this.#running.delete(running);
      this.look();
    });
    this.#running.add(running);
  }

  async #deliver(row: OutboxRow): Promise<void> {
    try {
      this.#heed(await deliver(row, this.#endpoint, this.#options));
    } catch (error) {
      // It is due again when its lease is over, and may then arrive twice.
      if (!(error instanceof Fault)) {
        this.#options.log.error("task.failed", { stage: "webhook_delivery", error });
      }
    }
  }

  /** What an answer means for the deliveries after this one. */
  #heed(verdict: Verdict): void {
    const { clock, log } = this.#options;
    if (verdict.is === "busy") {
      this.#pausedUntilMs = Math.max(this.#pausedUntilMs, clock.monotonicMs() + verdict.pauseMs);
    }
    if (verdict.is === "gone" && !this.#isStopped) {
      this.#whyDisabled = verdict.why;
      this.#cancelTimer();
      log.error("webhook.disabled", {
        endpoint: this.#endpoint.name,
        why: verdict.why,
        remedy: "POST /v1/webhooks/dead/replay, or a restart, makes it start again",
      });
    }
  }

  get #isStopped(): boolean {
    return this.#isClosed || this.#whyDisabled !== undefined;
  }

  #lookAfter(delayMs: number): void {
    this.#cancelTimer();
    if (this.#isStopped) return;
    this.#cancelTimer = this.#options.clock.after(Math.max(0, delayMs), () => this.look());
  }
}
