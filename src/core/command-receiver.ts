import type { CommandId, CommandRecord } from "./command.ts";
import type { GiveBack } from "./command-give-back.ts";
import type { LeaseCommands } from "./command-leases.ts";
import type { CommandWaiter, CommandWaiters } from "./command-waiters.ts";
import type { DeviceId } from "./device-id.ts";
import { type Holding, holdUntil } from "./hold-until.ts";
import { LIMITS } from "./limits.ts";
import type { Clock } from "./ports/clock.ts";
import type { Entropy } from "./ports/entropy.ts";
import type { StateOffer, StateOffers } from "./state-offers.ts";

/** Where a stream or a socket puts what its device gets. Methods MUST NOT throw. */
export interface ReceiverSink {
  /** Whether it takes more now. After a no, `resume` has to be called when it does again. */
  isReady(): boolean;
  deliver(command: CommandRecord): void;
  offer(offer: StateOffer): void;
  /** The connection has to end, and to call `close`; may be called again. */
  end(why: ReceiverEnd): void;
}

/**
 * Why nothing comes any more: the server drains, the store has trouble, the peer takes nothing, the
 * device answered nothing of what it was sent in time, it opened too many others since, or it was
 * removed or has another secret now.
 */
export type ReceiverEnd = "draining" | "failed" | "slow" | "unanswered" | "replaced" | "dismissed";

export interface ReceiverOptions {
  readonly lease: LeaseCommands;
  readonly giveBack: GiveBack;
  readonly waiters: CommandWaiters;
  readonly offers: StateOffers;
  /** How long what was sent may lack its acknowledgement. */
  readonly commandLeaseMs: number;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Newer ones of the device need its place. */
  readonly onReplaced: () => void;
}

/**
 * One stream or socket that takes commands for as long as it is open. It gets a few at a time, and
 * the next ones only when the device has acknowledged those, or when their leases are over. When that
 * is so of all of them and not one was answered it gets no more: a dead peer must not lease the same
 * commands again and again while others wait for them.
 */
export class CommandReceiver {
  readonly #device: DeviceId;
  readonly #sink: ReceiverSink;
  readonly #options: ReceiverOptions;
  /** What was not answered yet, with the attempt that it was sent as. */
  readonly #sent = new Map<CommandId, number>();
  /** Answers to earlier attempts that come while commands are being leased, perhaps the same. */
  #answeredMeanwhile: Set<CommandId> | undefined;
  /** Something was answered since commands were leased last. */
  #isAnswered = false;
  #waiter: CommandWaiter;
  #pause: Holding<"resumed"> | undefined;
  #offeredVersion: number | undefined;
  #isOver = false;
  #isReleased = false;
  #isStuck = false;

  /** Throws `waiters_exceeded`. */
  constructor(device: DeviceId, sink: ReceiverSink, options: ReceiverOptions) {
    this.#device = device;
    this.#sink = sink;
    this.#options = options;
    this.#waiter = this.#join();
  }

  /** Resolves when it has ended, to why where it did so by itself. Rejects with what the store says. */
  async run(): Promise<"closed" | "draining" | "slow" | "unanswered"> {
    while (!this.#isOver && !this.#isReleased) {
      if (this.#canTake()) {
        await this.#takeOrWait();
      } else if ((await this.#untilResumed()) === "timeout") {
        const why = this.#whyToGiveUp();
        if (why !== undefined) return why;
      }
    }
    return this.#isOver ? "closed" : "draining";
  }

  /** To be called when the sink is ready again. */
  resume(): void {
    if (this.#canTake()) this.#pause?.end("resumed");
  }

  /** The device has answered one of its commands, perhaps at an earlier attempt. */
  answered({ id }: CommandRecord): void {
    this.#answeredMeanwhile?.add(id);
    if (!this.#sent.delete(id)) return;
    this.#isAnswered = true;
    this.resume();
  }

  /**
   * A command of the device came to the end of a lease without an answer. Returns false when that is
   * so of all that this receiver had: it has to end.
   */
  lapsed({ id, attempt }: CommandRecord): boolean {
    // Of an earlier lease, which was another one's.
    if (this.#sent.get(id) !== attempt) return true;
    this.#sent.delete(id);
    this.resume();
    return this.#isAnswered || this.#sent.size > 0;
  }

  /** The server drains. */
  release(): void {
    this.#isReleased = true;
    this.#pause?.end("released");
  }

  /** Twice is harmless. Returns false when a wake was meant for it that nobody else can use. */
  close(): boolean {
    this.#isOver = true;
    this.#sent.clear();
    this.#pause?.end("released");
    return this.#waiter.leave();
  }

  #canTake(): boolean {
    return this.#sent.size === 0 && this.#sink.isReady();
  }

  async #takeOrWait(): Promise<void> {
    if (!(await this.#take())) await this.#wait();
  }

  /** After it has waited longer than any lease lasts. */
  #whyToGiveUp(): "unanswered" | "slow" | undefined {
    if (this.#sent.size > 0 && !this.#isAnswered) return "unanswered";
    // Only twice in a row: between two chunks a stream is not ready for a moment.
    const wasStuck = this.#isStuck;
    this.#isStuck = !this.#sink.isReady();
    this.#sent.clear();
    return wasStuck && this.#isStuck ? "slow" : undefined;
  }

  /** Whether anything was there to take. */
  async #take(): Promise<boolean> {
    const { offers, giveBack } = this.#options;
    const [commands, offer] = await Promise.all([this.#lease(), offers.pending(this.#device)]);
    if (this.#isOver) {
      await giveBack(commands);
      return false;
    }
    if (offer !== undefined && offer.version !== this.#offeredVersion) {
      this.#offeredVersion = offer.version;
      offers.offered(this.#device, offer);
      this.#sink.offer(offer);
    }
    // One that was answered meanwhile is at the device already.
    for (const command of commands) if (this.#sent.has(command.id)) this.#sink.deliver(command);
    return commands.length > 0;
  }

  async #lease(): Promise<readonly CommandRecord[]> {
    const { lease, entropy } = this.#options;
    const answered = new Set<CommandId>();
    this.#answeredMeanwhile = answered;
    this.#isAnswered = false;
    try {
      const wish = { receiver: entropy.uuid(), max: LIMITS.commandsInFlight };
      const leased = await lease(this.#device, wish);
      // Here, before anything else is waited for: an answer has to find them.
      for (const { id, attempt } of leased) if (!answered.has(id)) this.#sent.set(id, attempt);
      return leased;
    } finally {
      this.#answeredMeanwhile = undefined;
    }
  }

  async #wait(): Promise<void> {
    if (this.#isOver || this.#isReleased) return;
    const outcome = await this.#waiter.wait(LIMITS.receiverRelookMs);
    if (outcome === "released") this.#isReleased = true;
    // What it cannot take now, another one may.
    if (outcome === "woken" && !this.#canTake()) this.#options.waiters.wake(this.#device);
    if (outcome !== "timeout") return;
    // A waiter that timed out is out; what comes during the next lease has to find somebody.
    this.#waiter.leave();
    this.#waiter = this.#join();
  }

  #join(): CommandWaiter {
    const { waiters, onReplaced } = this.#options;
    return waiters.join(this.#device, onReplaced);
  }

  async #untilResumed(): Promise<unknown> {
    const timeoutMs = this.#options.commandLeaseMs + LIMITS.receiverGraceMs;
    const pause = holdUntil<"resumed">(this.#options.clock, { timeoutMs }, () => {
      this.#pause = undefined;
    });
    this.#pause = pause;
    return pause.ended;
  }
}
