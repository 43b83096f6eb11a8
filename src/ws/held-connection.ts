import { Buffer } from "node:buffer";
import { LIMITS } from "../core/limits.ts";
import type { Cancel, Clock } from "../core/ports/clock.ts";
import type { Disconnect } from "../protocol/codes.ts";
import { disconnectPush, type PushForm } from "../protocol/push-frame.ts";
import { PING_FRAME } from "../protocol/server-frame.ts";
import type { Connection, HeldTransport } from "./connection.ts";
import { HeldBody } from "./held-body.ts";
import { QueueBound } from "./queue-bound.ts";

export interface HeldConnectionOptions {
  readonly transport: HeldTransport;
  readonly session: string;
  readonly clock: Clock;
  readonly remoteAddress: string;
  /** Bytes that may wait for this client. */
  readonly queueMaxBytes: number;
  /** Called when a frame could not be queued; the client has lost it and must recover. */
  readonly onSlow: () => void;
  /** Called with the bytes of each frame that was taken. */
  readonly onSent: (bytes: number) => void;
  /** Nothing more is going to be sent. */
  readonly onClosing: () => void;
  /** The client is gone, or has all there was for it, or does not take it. Called once. */
  readonly onGone: () => void;
}

/**
 * An event stream begins with an empty line, which also makes every proxy pass on the head. It has no
 * carriage return, although servers of the protocol send one: the npm package `eventsource` 2 loses
 * the event that comes in one chunk with it.
 */
const EVENTS_BEGIN = "\n";

/** Frames are handed over together up to this: enough to be quick, little to hold beside the queue. */
const CHUNK_MAX_BYTES = 64 * 1024;

/**
 * A client to whom frames go down the body of a response that is held open, and until it takes them
 * wait in a queue that has a bound.
 */
export class HeldConnection implements Connection {
  readonly transport: HeldTransport;
  readonly form: PushForm;
  readonly pong: "required" | "none";
  readonly tellsPings = true;
  readonly remoteAddress: string;
  readonly session: string;
  readonly #body = new HeldBody({ onWanted: () => this.#flush(), onGone: () => this.#end() });
  readonly #options: HeldConnectionOptions;
  readonly #isEvents: boolean;
  readonly #bound: QueueBound;
  readonly #queue: string[] = [];
  #queuedBytes = 0;
  #state: "open" | "closing" | "gone" = "open";
  #grace: Cancel | undefined;

  constructor(options: HeldConnectionOptions) {
    const { transport } = options;
    const isUnidirectional = transport === "uni_sse" || transport === "uni_http_stream";
    this.transport = transport;
    this.form = isUnidirectional ? "unidirectional" : "bidirectional";
    this.pong = isUnidirectional ? "none" : "required";
    this.remoteAddress = options.remoteAddress;
    this.session = options.session;
    this.#options = options;
    this.#bound = new QueueBound(options.queueMaxBytes);
    this.#isEvents = transport === "sse" || transport === "uni_sse";
    if (this.#isEvents) this.#enqueue(EVENTS_BEGIN);
  }

  get body(): ReadableStream<Uint8Array> {
    return this.#body.stream;
  }

  send(frame: string): void {
    if (this.#state !== "open") return;
    if (this.isSlow()) {
      this.#options.onSlow();
    } else {
      const text = this.#framed(frame);
      this.#enqueue(text);
      this.#bound.sent(frame);
      this.#options.onSent(Buffer.byteLength(text));
    }
  }

  ping(): void {
    this.send(PING_FRAME);
  }

  queuedBytes(): number {
    return this.#queuedBytes;
  }

  isSlow(): boolean {
    return this.#bound.isExceededBy(this.#queuedBytes);
  }

  close(disconnect: Disconnect): void {
    if (this.#state !== "open") return;
    if (this.isSlow()) this.#drop();
    this.#state = "closing";
    this.#grace = this.#options.clock.after(LIMITS.closeGraceMs, () => this.#finish());
    this.#options.onClosing();
    this.#enqueue(this.#framed(disconnectPush(this.form, disconnect)));
  }

  #framed(frame: string): string {
    return this.#isEvents ? `data: ${frame}\n\n` : `${frame}\n`;
  }

  #enqueue(text: string): void {
    this.#queue.push(text);
    this.#queuedBytes += Buffer.byteLength(text);
    this.#flush();
  }

  #flush(): void {
    if (!this.#body.isWanted || this.#state === "gone") return;
    if (this.#queue.length > 0) {
      this.#body.give(this.#take());
    } else if (this.#state === "closing") {
      this.#finish();
    }
  }

  #take(): string {
    let bytes = 0;
    let count = 0;
    do {
      bytes += Buffer.byteLength(this.#queue[count] ?? "");
      count += 1;
    } while (count < this.#queue.length && bytes < CHUNK_MAX_BYTES);
    this.#queuedBytes -= bytes;
    return this.#queue.splice(0, count).join("");
  }

  #drop(): void {
    this.#queue.length = 0;
    this.#queuedBytes = 0;
  }

  /** Ends the response, with or without what the client did not take in time. */
  #finish(): void {
    this.#body.close();
    this.#end();
  }

  #end(): void {
    this.#state = "gone";
    this.#drop();
    this.#grace?.();
    this.#options.onGone();
  }
}
