import { Inbox, within } from "./inbox.ts";
import { parseLine, type WireLine } from "./wire.ts";

export interface SocketOptions {
  /** PEM text of the authority to trust. */
  readonly ca?: string;
  /** Trusts whatever is shown. */
  readonly trustsAll?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
  /** Answer every `{}` with `{}`, as an SDK does. */
  readonly pongs?: boolean;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** Bun's own WebSocket, of which the standard's type knows neither the options nor `terminate`. */
const BunWebSocket = WebSocket as unknown as new (
  url: string,
  options: Bun.WebSocketOptions,
) => WebSocket & { terminate(): void };

/** A WebSocket class that trusts one authority, for SDKs that take such a class. */
export function trustingWebSocket(ca: string): new (url: string) => WebSocket {
  return class extends BunWebSocket {
    constructor(url: string) {
      super(url, { tls: { ca } });
    }
  };
}

/** A websocket under a test's control, which keeps the text of everything it got. */
export class FrameSocket implements Disposable {
  /** Whole frames, as sent. */
  readonly frames = new Inbox<string>();
  /** The frames split at their newlines. */
  readonly lines = new Inbox<string>();
  readonly closed: Promise<Closed>;
  readonly #socket: InstanceType<typeof BunWebSocket>;
  #id = 0;

  private constructor(socket: InstanceType<typeof BunWebSocket>, pongs: boolean) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.onclose = ({ code, reason }) => resolve({ code, reason });
    });
    socket.onmessage = ({ data }) => {
      this.frames.push(String(data));
      for (const line of String(data).split("\n")) {
        if (pongs && line === "{}") this.send("{}");
        this.lines.push(line);
      }
    };
  }

  /** Resolves when the handshake is done; rejects when it is refused. */
  static async open(url: string, options: SocketOptions = {}): Promise<FrameSocket> {
    const { ca, trustsAll = false, headers, protocols, pongs = false } = options;
    const socket = new BunWebSocket(url, {
      ...(headers && { headers }),
      ...(protocols && { protocols: [...protocols] }),
      ...(ca !== undefined && { tls: { ca } }),
      ...(trustsAll && { tls: { rejectUnauthorized: false } }),
    });
    const self = new FrameSocket(socket, pongs);
    const refused = self.closed.then(({ code, reason }) => {
      throw new Error(`Cannot open ${url}: closed with ${code} ${reason}`);
    });
    const opened = new Promise<void>((resolve) => {
      socket.onopen = () => resolve();
    });
    refused.catch(() => undefined); // a close after the opening is told by `closed`
    await within(Promise.race([opened, refused]), `the handshake of ${url}`);
    return self;
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  get extensions(): string {
    return this.#socket.extensions;
  }

  send(text: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(text);
  }

  /** Sends one command and gives its reply. */
  async command(body: Readonly<Record<string, unknown>>): Promise<WireLine> {
    this.#id += 1;
    this.send(JSON.stringify({ id: this.#id, ...body }));
    return this.reply(this.#id);
  }

  /** The reply to the command with this id. */
  async reply(id: number): Promise<WireLine> {
    return JSON.parse(await this.line((line) => line.id === id, `reply ${id}`));
  }

  /** The text of the first line whose JSON matches. */
  line(matches: (line: WireLine) => boolean, what: string, from = 0): Promise<string> {
    return this.lines.find((text) => matches(parseLine(text)), { what, from });
  }

  /** The text of the publication of `channel` at `offset`. */
  publication(channel: string, offset: number): Promise<string> {
    return this.line(
      ({ push }) => push?.channel === channel && push.pub?.offset === offset,
      `publication ${offset} of ${channel}`,
    );
  }

  /** Waits for the end of the connection. */
  end(): Promise<Closed> {
    return within(this.closed, "the close of the socket");
  }

  close(code = 1000): void {
    this.#socket.close(code);
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }
}
