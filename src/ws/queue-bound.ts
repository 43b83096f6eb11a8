import { Buffer } from "node:buffer";

const BYTES_PER_CHAR_MAX = 3;

/**
 * How much may wait for one client. An answer that is longer than the bound by itself (a recovery)
 * is let through, and may wait for as long as it takes; what comes behind it is bounded as ever.
 */
export class QueueBound {
  readonly #maxBytes: number;
  #longAnswerBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether more waits than may; `waitingBytes` is what the transport still holds. */
  isExceededBy(waitingBytes: number): boolean {
    if (waitingBytes <= this.#maxBytes) this.#longAnswerBytes = 0;
    return waitingBytes > this.#maxBytes + this.#longAnswerBytes;
  }

  /** A frame was handed to the transport. */
  sent(frame: string): void {
    if (frame.length * BYTES_PER_CHAR_MAX <= this.#maxBytes) return;
    const bytes = Buffer.byteLength(frame);
    if (bytes > this.#maxBytes) this.#longAnswerBytes = Math.max(this.#longAnswerBytes, bytes);
  }
}
