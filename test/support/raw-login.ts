import { type Closed, FrameSocket, type SocketOptions } from "./frame-socket.ts";
import { DEADLINE_MS, eventually, Inbox } from "./inbox.ts";
import { parseLine, type WireConnect, type WirePublication } from "./wire.ts";

/** A publication as a client saw it. */
export interface Delivery {
  readonly channel: string;
  readonly offset: number;
  readonly data: unknown;
}

interface Position {
  readonly epoch: string;
  offset: number;
}

export interface RawLoginOptions extends SocketOptions {
  readonly token: string;
}

/**
 * A client of `/login` as small as a page in a mini-program would write one: it reads frames,
 * remembers where it is in each channel, and comes back with `?since=` when the line breaks.
 */
export class RawLogin implements Disposable {
  readonly deliveries = new Inbox<Delivery>();
  /** The first push of each connection. */
  readonly connects = new Inbox<WireConnect>();
  readonly closes: Closed[] = [];
  readonly #url: string;
  readonly #options: RawLoginOptions;
  readonly #positions = new Map<string, Position>();
  #socket: FrameSocket | undefined;
  #ended = false;

  constructor(url: string, options: RawLoginOptions) {
    this.#url = url;
    this.#options = options;
  }

  /** Connects, and again whenever the connection breaks, until disposed. */
  run(): void {
    this.#live().catch((error: unknown) => this.closes.push({ code: 0, reason: String(error) }));
  }

  /** The address of the next attempt, with one `since` per known channel. */
  address(): string {
    const query = new URLSearchParams({ token: this.#options.token });
    for (const { epoch, offset } of this.#positions.values())
      query.append("since", `${epoch}:${offset}`);
    return `${this.#url}/login?${query}`;
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    this.#socket?.[Symbol.dispose]();
  }

  async #live(): Promise<void> {
    while (!this.#ended) {
      const socket = await eventually(
        () => this.#attempt(),
        "a connection to /login",
        4 * DEADLINE_MS,
      );
      this.closes.push(await socket.closed);
    }
  }

  /** One try to connect; nothing when the server is not there. */
  async #attempt(): Promise<FrameSocket | undefined> {
    try {
      const socket = await FrameSocket.open(this.address(), this.#options);
      this.#socket = socket;
      socket.lines.each((line) => this.#read(line));
      if (this.#ended) socket[Symbol.dispose]();
      return socket;
    } catch {
      return undefined; // refused or reset: the caller tries again until its deadline
    }
  }

  #read(text: string): void {
    const { push } = parseLine(text);
    if (push?.connect !== undefined) this.#start(push.connect);
    if (push?.pub !== undefined) this.#deliver(push.channel ?? "", push.pub);
  }

  #start(connect: WireConnect): void {
    for (const [channel, sub] of Object.entries(connect.subs ?? {})) {
      const { epoch = "", offset = 0, recovered = false } = sub;
      if (!recovered) this.#positions.set(channel, { epoch, offset });
      for (const publication of sub.publications ?? []) this.#deliver(channel, publication);
    }
    this.connects.push(connect);
  }

  #deliver(channel: string, { data, offset = 0 }: WirePublication): void {
    const position = this.#positions.get(channel);
    if (position !== undefined) position.offset = offset;
    this.deliveries.push({ channel, offset, data });
  }
}
