import { createConnection, type Socket } from "node:net";
import type { Closed } from "./frame-socket.ts";
import { Inbox, within } from "./inbox.ts";
import { rawRequest } from "./raw-http.ts";

const TEXT = 1;
const CLOSE = 8;

export interface RawWebsocketOptions {
  readonly port: number;
  readonly path: string;
  /** Where it comes from; any address of 127.0.0.0/8. */
  readonly from?: string;
}

/** A websocket over a TCP connection that the test can stop reading. */
export class RawWebsocket implements Disposable {
  /** The text frames it got. */
  readonly frames = new Inbox<string>();
  /** The close frame, or undefined when the connection ended without one. */
  readonly closed: Promise<Closed | undefined>;
  readonly #socket: Socket;
  readonly #head = Promise.withResolvers<string>();
  #hasHead = false;
  #rest = Buffer.alloc(0);
  #close: Closed | undefined;

  private constructor({ port, path, from = "127.0.0.1" }: RawWebsocketOptions) {
    this.#socket = createConnection({ port, host: "127.0.0.1", localAddress: from });
    this.closed = new Promise((resolve) => this.#socket.on("close", () => resolve(this.#close)));
    this.#socket.on("error", () => undefined); // a reset shows as the end
    this.#socket.on("data", (chunk) => this.#take(Buffer.from(chunk)));
    this.#socket.write(
      rawRequest([
        `GET ${path} HTTP/1.1`,
        "Host: x",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
      ]),
    );
  }

  /** Resolves with the status of the answer to the handshake beside the socket. */
  static async open(
    options: RawWebsocketOptions,
  ): Promise<{ readonly status: number; readonly socket: RawWebsocket }> {
    const socket = new RawWebsocket(options);
    const head = await within(socket.#head.promise, `the handshake of ${options.path}`);
    return { status: Number(head.split(" ")[1]), socket };
  }

  send(text: string): void {
    this.#sendFrame(TEXT, Buffer.from(text));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Waits for the end of the connection. */
  end(): Promise<Closed | undefined> {
    return within(this.closed, "the end of the raw websocket");
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    if (!this.#hasHead) this.#takeHead();
    while (this.#hasHead && this.#takeFrame());
  }

  #takeHead(): void {
    const end = this.#rest.indexOf("\r\n\r\n");
    if (end < 0) return;
    this.#hasHead = true;
    this.#head.resolve(this.#rest.toString("latin1", 0, end));
    this.#rest = this.#rest.subarray(end + 4);
  }

  /** Takes one frame, as a server sends it: unmasked and whole. False when it has not come yet. */
  #takeFrame(): boolean {
    const header = headerOf(this.#rest);
    if (header === undefined || this.#rest.length < header.end) return false;
    const payload = this.#rest.subarray(header.start, header.end);
    this.#rest = this.#rest.subarray(header.end);
    if (header.opcode === TEXT) this.frames.push(payload.toString());
    if (header.opcode === CLOSE && payload.length >= 2) {
      this.#close = { code: payload.readUInt16BE(), reason: payload.toString("utf8", 2) };
      this.#sendFrame(CLOSE, payload.subarray(0, 2));
    }
    return true;
  }

  /** Sends one masked frame, with the mask 0. */
  #sendFrame(opcode: number, payload: Buffer): void {
    const { length } = payload;
    const size = length < 126 ? [length] : [126, length >> 8, length & 0xff];
    const [short = 0, ...extended] = size;
    const head = Buffer.from([0x80 | opcode, 0x80 | short, ...extended, 0, 0, 0, 0]);
    this.#socket.write(Buffer.concat([head, payload]));
  }
}

interface Header {
  readonly opcode: number;
  readonly start: number;
  readonly end: number;
}

function headerOf(bytes: Buffer): Header | undefined {
  if (bytes.length < 2) return undefined;
  const opcode = bytes.readUInt8() & 0x0f;
  const short = bytes.readUInt8(1);
  const start = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < start) return undefined;
  return { opcode, start, end: start + lengthOf(bytes, short) };
}

function lengthOf(bytes: Buffer, short: number): number {
  if (short === 127) return Number(bytes.readBigUInt64BE(2));
  return short === 126 ? bytes.readUInt16BE(2) : short;
}
