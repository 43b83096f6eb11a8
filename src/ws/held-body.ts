const encoder = new TextEncoder();

export interface HeldBodyOptions {
  /** The peer takes a chunk. */
  readonly onWanted: () => void;
  /** The peer is gone. */
  readonly onGone: () => void;
}

/**
 * The body of a response that is held open. The runtime asks for a chunk when it has passed on the one
 * before; what waits meanwhile is kept by whoever fills it, and so still theirs to drop.
 */
export class HeldBody {
  readonly stream: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #isWanted = false;

  constructor({ onWanted, onGone }: HeldBodyOptions) {
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#isWanted = true;
          onWanted();
        },
        cancel: onGone,
      },
      { highWaterMark: 0 },
    );
  }

  /** A chunk was asked for and not given yet. */
  get isWanted(): boolean {
    return this.#isWanted;
  }

  give(text: string): void {
    this.#isWanted = false;
    this.#controller?.enqueue(encoder.encode(text));
  }

  close(): void {
    this.#controller?.close();
  }
}
