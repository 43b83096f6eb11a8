import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { type Answer, concat, type Question, readHead, sendQuestion } from "./http-exchange.ts";
import { VISIT_LIMITS } from "./limits.ts";
import { type Wire, WireTrouble } from "./wire.ts";

/** RFC 6455 §1.3. */
const ACCEPT_SALT = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
const FINAL = 0x80;
const MASKED = 0x80;

/** What a server sent, or how the connection ended: by a close frame, or cut off by somebody. */
export type Message =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "pong" }
  | { readonly kind: "closed"; readonly code: number; readonly reason: string }
  | { readonly kind: "cut" };

/** What a handshake led to. */
export type Handshake =
  | { readonly socket: ClientSocket; readonly protocol?: string }
  | { readonly refused: Answer };

/** What a handshake may say beside what every one has to. */
export interface HandshakeOptions {
  readonly path: string;
  readonly authority: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks for a websocket, as a phone does. */
export async function shakeHands(wire: Wire, options: HandshakeOptions): Promise<Handshake> {
  const key = randomBytes(16).toString("base64");
  const question: Question = {
    method: "GET",
    path: options.path,
    authority: options.authority,
    headers: {
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Key": key,
      "Sec-WebSocket-Version": "13",
      Accept: "application/json",
      ...options.headers,
    },
  };
  sendQuestion(wire, question);
  const { rest, status, headers } = await readHead(wire);
  if (status !== 101) return { refused: { status, headers, body: await readRest(wire, rest) } };
  const accept = createHash("sha1").update(`${key}${ACCEPT_SALT}`).digest("base64");
  if (headers.get("sec-websocket-accept") !== accept) throw new WireTrouble("no_http");
  const protocol = headers.get("sec-websocket-protocol");
  return { socket: new ClientSocket(wire, rest), ...(protocol !== undefined && { protocol }) };
}

/** A refusal's body has its length told, or the connection's end after it. */
async function readRest(wire: Wire, rest: Uint8Array): Promise<string> {
  let bytes = rest;
  while (bytes.length < VISIT_LIMITS.answerMaxBytes && !looksWhole(bytes)) {
    const chunk = await wire.read(VISIT_LIMITS.stepMs / 5).catch(() => undefined);
    if (chunk === undefined) break;
    bytes = concat(bytes, chunk);
  }
  return new TextDecoder().decode(bytes);
}

function looksWhole(bytes: Uint8Array): boolean {
  return /[}>]\s*$/.test(new TextDecoder().decode(bytes.slice(-16)));
}

/** A client's side of a websocket. What is cut into several frames is not understood: nobody here sends such. */
export class ClientSocket {
  readonly #wire: Wire;
  #bytes: Uint8Array;

  constructor(wire: Wire, rest: Uint8Array) {
    this.#wire = wire;
    this.#bytes = rest;
  }

  send(text: string): void {
    this.#write(TEXT, new TextEncoder().encode(text));
  }

  ping(): void {
    this.#write(PING, new Uint8Array());
  }

  close(): void {
    this.#write(CLOSE, new Uint8Array([0x03, 0xe8]));
  }

  /** What comes next; pings are answered on the way. Throws a `timeout` when nothing comes. */
  async receive(waitMs?: number): Promise<Message> {
    for (;;) {
      const frame = await this.#frame(waitMs);
      if (frame === undefined) return { kind: "cut" };
      const message = this.#understand(frame);
      if (message !== undefined) return message;
    }
  }

  #understand({ opcode, payload }: Frame): Message | undefined {
    switch (opcode) {
      case TEXT:
        return { kind: "text", text: new TextDecoder().decode(payload) };
      case PONG:
        return { kind: "pong" };
      case CLOSE:
        return closed(payload);
      case PING:
        this.#write(PONG, payload);
        return undefined;
      default:
        return undefined;
    }
  }

  async #frame(waitMs: number | undefined): Promise<Frame | undefined> {
    for (;;) {
      const frame = parseFrame(this.#bytes);
      if (frame !== undefined) {
        this.#bytes = this.#bytes.slice(frame.sizeBytes);
        return frame;
      }
      if (this.#bytes.length > VISIT_LIMITS.answerMaxBytes) throw new WireTrouble("too_long");
      const chunk = await this.#wire.read(waitMs).catch(unlessTimeout);
      if (chunk === undefined) return undefined;
      this.#bytes = concat(this.#bytes, chunk);
    }
  }

  #write(opcode: number, payload: Uint8Array): void {
    const mask = randomBytes(4);
    const { length } = payload;
    const size = length < 126 ? [MASKED | length] : [MASKED | 126, length >> 8, length & 0xff];
    const body = payload.map((byte, place) => byte ^ (mask[place % 4] ?? 0));
    this.#wire.write(Buffer.concat([Buffer.from([FINAL | opcode, ...size]), mask, body]));
  }
}

interface Frame {
  readonly opcode: number;
  readonly payload: Uint8Array;
  readonly sizeBytes: number;
}

function parseFrame(bytes: Uint8Array): Frame | undefined {
  if (bytes.length < 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const short = view.getUint8(1) & 0x7f;
  const start = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < start) return undefined;
  const length = short < 126 ? short : start === 4 ? view.getUint16(2) : view.getUint32(6);
  const sizeBytes = start + length;
  if (bytes.length < sizeBytes) return undefined;
  return { opcode: view.getUint8(0) & 0x0f, payload: bytes.slice(start, sizeBytes), sizeBytes };
}

function closed(payload: Uint8Array): Message {
  const [high = 0, low = 0] = payload;
  const code = payload.length < 2 ? 1005 : (high << 8) | low;
  return { kind: "closed", code, reason: new TextDecoder().decode(payload.slice(2)) };
}

/** A reset cuts a connection off as an end without a close frame does. */
function unlessTimeout(error: unknown): undefined {
  if (error instanceof WireTrouble && error.trouble === "timeout") throw error;
  return undefined;
}
