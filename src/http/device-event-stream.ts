import type { CommandRecord } from "../core/command.ts";
import type { ReceiverEnd, ReceiverSink } from "../core/command-receiver.ts";
import { encodeDelivery } from "../core/command-text.ts";
import { LIMITS } from "../core/limits.ts";
import type { Cancel, Clock } from "../core/ports/clock.ts";
import { encodeOffer, type StateOffer } from "../core/state-offers.ts";
import { HeldBody } from "../ws/held-body.ts";

export interface DeviceEventStreamOptions {
  readonly clock: Clock;
  /** After which the device has to open another one: whether it is still there shows in nothing else. */
  readonly lifeMs: number;
  /** When a device that is sent away as the server drains is to come again. */
  readonly retryMs: () => number;
  /** The peer takes more again. */
  readonly onReady: () => void;
  /** Nothing more is going to be sent. */
  readonly onClosing: () => void;
  /** The peer is gone, or has all there was for it, or does not take it. Called once. */
  readonly onGone: (why?: StreamEnd) => void;
}

/** Why a stream ends; "aged" is one that has lasted as long as any may. */
export type StreamEnd = ReceiverEnd | "aged";

/** What a stream says at last. After "drain" the device comes again; who was replaced need not. */
const REPLACED = "event: replaced\ndata: {}\n\n";

/** What waits is not for this peer any more, or is offered to others by now. */
const DROPS_WHAT_WAITS: readonly StreamEnd[] = ["slow", "unanswered", "dismissed"];

/** Makes every proxy pass on the head of the response. */
const BEGIN = "\n";

/** Says nothing but that somebody is there. */
const COMMENT = ":\n\n";

/**
 * A device that gets its commands as server-sent events down the body of a response. What waits there
 * are the few commands that one receiver may have in flight. `Last-Event-ID` needs no meaning: what was not acknowledged comes again.
 */
export class DeviceEventStream implements ReceiverSink {
  readonly #options: DeviceEventStreamOptions;
  readonly #body = new HeldBody({ onWanted: () => this.#flush(), onGone: () => this.#end() });
  readonly #queue: string[] = [BEGIN];
  #state: "open" | "closing" | "gone" = "open";
  #why: StreamEnd | undefined;
  #cancelComments: Cancel = () => undefined;
  #cancelLife: Cancel = () => undefined;
  #grace: Cancel | undefined;

  constructor(options: DeviceEventStreamOptions) {
    this.#options = options;
  }

  get body(): ReadableStream<Uint8Array> {
    return this.#body.stream;
  }

  /** From now on the peer is told each while that the connection lives. */
  start(): void {
    const { clock, lifeMs } = this.#options;
    this.#cancelLife = clock.after(lifeMs, () => this.end("aged"));
    this.#cancelComments = clock.every(LIMITS.streamCommentMs, () => {
      if (this.isReady()) this.#enqueue(COMMENT);
    });
  }

  isReady(): boolean {
    return this.#state === "open" && this.#body.isWanted && this.#queue.length === 0;
  }

  deliver(command: CommandRecord): void {
    this.#enqueue(`event: command\nid: ${command.id}\ndata: ${encodeDelivery(command)}\n\n`);
  }

  offer(offer: StateOffer): void {
    this.#enqueue(`event: state\ndata: ${encodeOffer(offer)}\n\n`);
  }

  end(why: StreamEnd): void {
    if (this.#state !== "open") return;
    if (DROPS_WHAT_WAITS.includes(why)) this.#queue.length = 0;
    this.#enqueue(this.#lastWords(why));
    this.#state = "closing";
    this.#why = why;
    this.#cancelTimers();
    this.#grace = this.#options.clock.after(LIMITS.closeGraceMs, () => this.#finish());
    this.#options.onClosing();
    this.#flush();
  }

  #lastWords(why: StreamEnd): string {
    if (why === "draining") return drainEvent(this.#options.retryMs());
    if (why === "replaced") return REPLACED;
    const comesAgain = why === "aged" || why === "unanswered";
    return comesAgain ? drainEvent(LIMITS.deviceStreamRetryMs) : "";
  }

  #enqueue(text: string): void {
    if (this.#state !== "open" || text === "") return;
    this.#queue.push(text);
    this.#flush();
  }

  #flush(): void {
    if (!this.#body.isWanted || this.#state === "gone") return;
    const next = this.#queue.shift();
    if (next !== undefined) {
      this.#body.give(next);
    } else if (this.#state === "closing") {
      this.#finish();
    } else {
      this.#options.onReady();
    }
  }

  /** Ends the response, with or without what the peer did not take in time. */
  #finish(): void {
    this.#body.close();
    this.#end();
  }

  #end(): void {
    if (this.#state === "gone") return;
    this.#state = "gone";
    this.#queue.length = 0;
    this.#cancelTimers();
    this.#grace?.();
    this.#options.onGone(this.#why);
  }

  #cancelTimers(): void {
    this.#cancelComments();
    this.#cancelLife();
  }
}

function drainEvent(retryMs: number): string {
  return `event: drain\nretry: ${retryMs}\ndata: {"retry_after_ms":${retryMs}}\n\n`;
}
