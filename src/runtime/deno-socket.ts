import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers";
import type { Farewell, HostSocket, SendResult, SocketBounds } from "../core/ports/host.ts";
import type { GuardedHandler } from "./guarded-handler.ts";

/** What Deno calls an end without a close frame; everybody else says 1006. */
const DENO_ABNORMAL_CODE = 0;

/** What fits into a close frame beside the code (RFC 6455 §5.5). */
const REASON_MAX_BYTES = 123;

/** The sockets of one listener, and who listens to which topic: Deno has no topics of its own. */
export class DenoSockets {
  readonly #open = new Set<DenoSocket>();
  readonly #closing = new Set<DenoSocket>();
  readonly #topics = new Map<string, Set<DenoSocket>>();
  readonly #waiters: (() => void)[] = [];

  opened(socket: DenoSocket): void {
    this.#open.add(socket);
  }

  /** It is closed for us, while its peer may not know yet. */
  closing(socket: DenoSocket): void {
    this.#open.delete(socket);
    this.#closing.add(socket);
  }

  gone(socket: DenoSocket): void {
    this.#open.delete(socket);
    this.#closing.delete(socket);
    if (this.#closing.size > 0) return;
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  get openCount(): number {
    return this.#open.size;
  }

  closeEach(farewell: () => Farewell): void {
    for (const socket of [...this.#open]) {
      const { code, reason } = farewell();
      socket.close(code, reason);
    }
  }

  /** Closes what is open; resolves when every peer has taken its close frame or is gone. */
  async closeAll(farewell: Farewell): Promise<void> {
    this.closeEach(() => farewell);
    if (this.#closing.size === 0) return;
    await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  subscribe(topic: string, socket: DenoSocket): void {
    const members = this.#topics.get(topic);
    if (members === undefined) this.#topics.set(topic, new Set([socket]));
    else members.add(socket);
  }

  unsubscribe(topic: string, socket: DenoSocket): void {
    const members = this.#topics.get(topic);
    members?.delete(socket);
    if (members?.size === 0) this.#topics.delete(topic);
  }

  publish(topic: string, text: string): SendResult {
    let result: SendResult = "sent";
    const overfull: DenoSocket[] = [];
    for (const socket of this.#topics.get(topic) ?? []) {
      const offered = socket.offer(text);
      if (offered === "dropped") overfull.push(socket);
      else if (offered === "queued") result = "queued";
    }
    // Only now, because their handlers may change the topic that was just walked through.
    for (const socket of overfull) socket.cutOff();
    return overfull.length > 0 ? "dropped" : result;
  }
}

export interface DenoSocketOptions {
  readonly ws: WebSocket;
  readonly handler: GuardedHandler;
  readonly sockets: DenoSockets;
  readonly remoteAddress: string;
  /** Read at each frame: they may change. */
  readonly limits: SocketBounds;
}

/** One websocket on Deno, which itself bounds neither what waits for a peer nor, below 64 MiB, what comes. */
export class DenoSocket implements HostSocket {
  readonly remoteAddress: string;
  readonly #options: DenoSocketOptions;
  readonly #topics = new Set<string>();
  #isCutOff = false;

  private constructor(options: DenoSocketOptions) {
    this.remoteAddress = options.remoteAddress;
    this.#options = options;
  }

  /** Lets the events of `ws` reach the handler. */
  static attach(options: DenoSocketOptions): void {
    const { ws, handler, sockets } = options;
    const socket = new DenoSocket(options);
    ws.binaryType = "arraybuffer";
    ws.onopen = () => {
      sockets.opened(socket);
      handler.open(socket);
    };
    ws.onmessage = ({ data }) => socket.#received(data);
    ws.onclose = ({ code, reason }) => {
      socket.#end(code === DENO_ABNORMAL_CODE ? 1006 : code, reason);
      sockets.gone(socket);
    };
  }

  send(text: string): SendResult {
    const result = this.offer(text);
    if (result === "dropped") this.cutOff();
    return result;
  }

  /** Sends unless too much waits already; the caller cuts the socket off then. */
  offer(text: string): SendResult {
    const { ws, limits } = this.#options;
    const waitingBytes = this.bufferedBytes();
    if (this.#isEnded || this.#isCutOff) return "dropped";
    if (waitingBytes > limits.backpressureMaxBytes) return "dropped";
    ws.send(text);
    return waitingBytes === 0 ? "sent" : "queued";
  }

  close(code: number, reason: string): void {
    if (this.#isEnded) return;
    // Deno would say so only when the frame is written, where nobody could hear it.
    const bytes = Buffer.byteLength(reason);
    if (bytes > REASON_MAX_BYTES) {
      throw new RangeError(`Cannot close: the reason has ${bytes} bytes, at most 123 are allowed`);
    }
    this.#closeLater(code, reason);
    this.#end(code, reason);
  }

  /** Ends the socket soon, because it lost a frame. */
  cutOff(): void {
    if (this.#isEnded || this.#isCutOff) return;
    this.#isCutOff = true;
    setImmediate(() => this.terminate());
  }

  /** Deno lets nobody end the TCP connection: the peer gets an empty close frame, if it reads at all. */
  terminate(): void {
    if (this.#isEnded) return;
    this.#closeLater();
    this.#end(1006, "");
  }

  /** Deno sends no ping on demand. */
  ping(): void {}

  subscribe(topic: string): void {
    if (this.#isEnded) return;
    this.#topics.add(topic);
    this.#options.sockets.subscribe(topic, this);
  }

  unsubscribe(topic: string): void {
    this.#topics.delete(topic);
    this.#options.sockets.unsubscribe(topic, this);
  }

  bufferedBytes(): number {
    return this.#isEnded ? 0 : this.#options.ws.bufferedAmount;
  }

  get #isEnded(): boolean {
    return this.#options.handler.isClosed;
  }

  /** Deno loses the close frame when a message has come already that it did not yet hand out. */
  #closeLater(code?: number, reason?: string): void {
    const { ws, sockets } = this.#options;
    sockets.closing(this);
    setImmediate(() => ws.close(code, reason));
  }

  #received(data: unknown): void {
    const { handler, limits } = this.#options;
    if (byteLengthOf(data) > limits.frameMaxBytes) this.close(1009, "Received too big message");
    else handler.message(typeof data === "string" ? data : undefined);
  }

  #end(code: number, reason: string): void {
    const { handler, sockets } = this.#options;
    for (const topic of this.#topics) sockets.unsubscribe(topic, this);
    this.#topics.clear();
    handler.close(code, reason);
  }
}

function byteLengthOf(data: unknown): number {
  if (typeof data === "string") return Buffer.byteLength(data);
  return data instanceof ArrayBuffer ? data.byteLength : 0;
}
