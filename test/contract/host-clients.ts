import { createConnection, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { within } from "../support/inbox.ts";
import { type RawAnswer, RawConnection, rawRequest } from "../support/raw-http.ts";

/** Sends one request on a connection of its own and gives the answer, whose status is NaN if there is none. */
export async function rawAnswer(
  port: number,
  lines: readonly string[],
  body = "",
): Promise<RawAnswer> {
  using connection = await RawConnection.open(port);
  connection.write(rawRequest([...lines, "Connection: close"], body));
  return await connection.answer();
}

export interface RawSocketOptions {
  readonly connection?: string;
  readonly version?: "HTTP/1.0" | "HTTP/1.1";
  readonly headers?: readonly string[];
}

/** A connection of which the test sees the bytes, and which need not read them. */
export class RawSocket implements Disposable {
  readonly #socket: Socket;
  readonly #ended: Promise<void>;
  readonly #watchers = new Set<() => void>();
  /** One character per byte. */
  #received = "";

  private constructor(port: number) {
    this.#socket = createConnection(port, "127.0.0.1");
    this.#socket.setEncoding("latin1");
    this.#socket.on("error", () => undefined); // a reset shows as the end
    this.#ended = new Promise((resolve) => this.#socket.once("close", () => resolve()));
    this.#socket.on("data", (chunk) => {
      this.#received += chunk;
      for (const watch of this.#watchers) watch();
    });
  }

  /** Sends a request and waits for the head of the answer. */
  static async ask(port: number, lines: readonly string[]): Promise<RawSocket> {
    const self = new RawSocket(port);
    self.#socket.write(rawRequest(lines));
    await self.received((bytes) => bytes.includes("\r\n\r\n"), `the answer to ${lines[0]}`);
    return self;
  }

  /** Asks for the socket `id`. */
  static open(port: number, id: string, options: RawSocketOptions = {}): Promise<RawSocket> {
    return RawSocket.ask(port, [
      `GET /socket?id=${id} ${options.version ?? "HTTP/1.1"}`,
      "Host: x",
      "Upgrade: websocket",
      `Connection: ${options.connection ?? "Upgrade"}`,
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version: 13",
      ...(options.headers ?? []),
    ]);
  }

  get head(): string {
    return this.#received.slice(0, this.#received.indexOf("\r\n\r\n"));
  }

  /** What came after the head of the answer. */
  get body(): string {
    return this.#received.slice(this.head.length + "\r\n\r\n".length);
  }

  /** Resolves when what came so far matches. */
  async received(matches: (bytes: string) => boolean, what: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const watch = () => {
      if (matches(this.#received)) resolve();
    };
    this.#watchers.add(watch);
    watch();
    await within(promise, what);
    this.#watchers.delete(watch);
  }

  /** Sends short texts in one packet, as masked frames with the mask 0. */
  sendTexts(...texts: readonly string[]): void {
    const frames = texts.map(
      (text) => `\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`,
    );
    this.#socket.write(Buffer.from(frames.join(""), "latin1"));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async ended(): Promise<void> {
    await within(this.#ended, "the end of the connection");
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** Whether the server agrees to this cipher of TLS 1.2 and no other. */
export async function agreesTo(port: number, cipher: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connectTls({
    port,
    host: "localhost",
    ciphers: cipher,
    maxVersion: "TLSv1.2",
    rejectUnauthorized: false,
  });
  socket.once("secureConnect", () => resolve(true));
  socket.once("error", () => resolve(false));
  try {
    return await within(promise, `the handshake with ${cipher}`);
  } finally {
    socket.destroy();
  }
}
