import { within } from "./inbox.ts";
import { parseLine } from "./wire.ts";

export interface OffsetReaderOptions {
  readonly token: string;
  readonly channel: string;
}

/** A client that keeps up with a channel, and of what it gets keeps nothing but the offsets. */
export class OffsetReader implements Disposable {
  readonly offsets: number[] = [];
  readonly closes: number[] = [];
  readonly #socket: WebSocket;
  readonly #subscribed = Promise.withResolvers<void>();
  #awaited: { readonly offset: number; readonly resolve: () => void } | undefined;

  private constructor(wsUrl: string, { token, channel }: OffsetReaderOptions) {
    this.#socket = new WebSocket(`${wsUrl}/connection/websocket`);
    this.#socket.onopen = () => {
      this.#socket.send(`{"id":1,"connect":{"token":"${token}"}}`);
      this.#socket.send(`{"id":2,"subscribe":{"channel":"${channel}"}}`);
    };
    this.#socket.onmessage = ({ data }) => this.#take(String(data));
    this.#socket.onclose = ({ code }) => this.closes.push(code);
  }

  /** Resolves when it is subscribed. */
  static async open(wsUrl: string, options: OffsetReaderOptions): Promise<OffsetReader> {
    const self = new OffsetReader(wsUrl, options);
    await within(self.#subscribed.promise, "the subscription of a reader");
    return self;
  }

  /** Resolves when it has the publication at `offset`. */
  async until(offset: number): Promise<void> {
    if ((this.offsets.at(-1) ?? 0) >= offset) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#awaited = { offset, resolve };
    await within(promise, `publication ${offset}, after ${this.offsets.at(-1)}`);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  #take(frame: string): void {
    for (const line of frame.split("\n")) {
      if (line === "{}") this.#socket.send("{}");
      else if (line.startsWith('{"push"')) this.#takePush(line);
      else if (parseLine(line).id === 2) this.#subscribed.resolve();
    }
  }

  /** Not parsed as a whole: many readers get large frames. */
  #takePush(line: string): void {
    const offset = Number.parseInt(line.slice(line.lastIndexOf('"offset":') + 9), 10);
    this.offsets.push(offset);
    if (offset === this.#awaited?.offset) this.#awaited.resolve();
  }
}
