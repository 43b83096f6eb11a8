import { Fault } from "../core/faults.ts";
import { eventTooLarge } from "../protocol/event-body.ts";

const LINE_FEED = 0x0a;

/** A line's text, or why it cannot be one. */
export type Line = string | Fault;

/** Cuts bytes into lines wherever these begin and end. Of an unfinished line it holds no more than is allowed. */
export class LineCutter {
  readonly #lineMaxBytes: number;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #begun = new Uint8Array();
  /** Of the unfinished line; what is beyond the bound is counted only. */
  #begunBytes = 0;

  constructor(lineMaxBytes: number) {
    this.#lineMaxBytes = lineMaxBytes;
  }

  /** The lines that end in this chunk. Empty ones are passed over. */
  *push(chunk: Uint8Array): Generator<Line> {
    let from = this.#startIn(chunk, 0);
    for (let to = feedIn(chunk, from); to >= 0; to = feedIn(chunk, from)) {
      this.#add(chunk.subarray(from, to));
      yield this.#take();
      from = this.#startIn(chunk, to + 1);
    }
    this.#add(chunk.subarray(from));
  }

  /** The line that has begun, if it has, as if it ended here. */
  *end(): Generator<Line> {
    if (this.#begunBytes > 0) yield this.#take();
  }

  /** Where the line goes on. None begins with white space: so millions of empty lines cost next to nothing. */
  #startIn(chunk: Uint8Array, from: number): number {
    let at = from;
    while (this.#begunBytes === 0 && at < chunk.byteLength && isSpace(chunk[at])) at += 1;
    return at;
  }

  #take(): Line {
    const bytes = this.#begunBytes;
    this.#begunBytes = 0;
    if (bytes > this.#lineMaxBytes) return eventTooLarge(bytes, this.#lineMaxBytes);
    return this.#decode(bytes);
  }

  #decode(bytes: number): Line {
    try {
      return this.#decoder.decode(this.#begun.subarray(0, bytes));
    } catch (cause) {
      return new Fault("body_malformed", { detail: "it is not UTF-8", cause });
    }
  }

  #add(bytes: Uint8Array): void {
    const size = this.#begunBytes + bytes.byteLength;
    if (size <= this.#lineMaxBytes) {
      if (size > this.#begun.byteLength) this.#grow(size);
      this.#begun.set(bytes, this.#begunBytes);
    }
    this.#begunBytes = size;
  }

  /** To twice the size, so that a line that comes byte by byte is not copied as often. */
  #grow(size: number): void {
    const grown = new Uint8Array(
      Math.min(Math.max(size, 2 * this.#begun.byteLength), this.#lineMaxBytes),
    );
    grown.set(this.#begun);
    this.#begun = grown;
  }
}

function feedIn(chunk: Uint8Array, from: number): number {
  return chunk.indexOf(LINE_FEED, from);
}

/** The white space of JSON. */
function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === LINE_FEED || byte === 0x0d || byte === 0x09;
}
