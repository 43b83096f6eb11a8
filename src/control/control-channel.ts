import type { Socket } from "node:net";
import { TAKEOVER_LIMITS } from "../core/takeover-limits.ts";

/** One line on a control socket. */
export interface ControlMessage {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Two processes of Posthorn on one machine, of which one asks and the other has the store. */
export class ControlChannel implements Disposable {
  /** Resolves when the other one is gone, or we are. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #messages: ControlMessage[] = [];
  #waiter: ((message: ControlMessage | undefined) => void) | undefined;
  #rest = "";
  #isClosed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (text) => this.#take(String(text)));
    // What happened is told by the close.
    socket.on("error", () => undefined);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    socket.on("close", () => {
      this.#isClosed = true;
      this.#waiter?.(undefined);
      this.#waiter = undefined;
      resolve();
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Harmless when the other one is gone. */
  send(message: ControlMessage): void {
    if (!this.#isClosed) this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  /** The next message; undefined when there will be none. One caller at a time. */
  async next(): Promise<ControlMessage | undefined> {
    const message = this.#messages.shift();
    if (message !== undefined || this.#isClosed) return message;
    return await new Promise((resolve) => {
      this.#waiter = resolve;
    });
  }

  /** Ends it once what was sent is on its way. */
  [Symbol.dispose](): void {
    // Whoever never closes its own end must not keep ours.
    this.#socket.destroySoon();
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > TAKEOVER_LIMITS.controlLineMaxChars) this.#socket.destroy();
    for (const line of lines) this.#arrived(line);
  }

  #arrived(line: string): void {
    const message = parseMessage(line);
    const isTooMuch = this.#messages.length >= TAKEOVER_LIMITS.controlMessagesQueued;
    if (message === undefined || isTooMuch) {
      this.#socket.destroy();
      return;
    }
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter) waiter(message);
    else this.#messages.push(message);
  }
}

/** Only Posthorn talks here, but another version of it may. */
function parseMessage(line: string): ControlMessage | undefined {
  try {
    const message = JSON.parse(line);
    return typeof message?.type === "string" ? message : undefined;
  } catch {
    return undefined;
  }
}
