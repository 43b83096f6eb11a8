import type { HostSocket, SocketHandler } from "../core/ports/host.ts";
import type { Log } from "../core/ports/log.ts";

const INTERNAL_ERROR_CODE = 1011;

/**
 * Calls one socket's handler as the port promises: `close` exactly once after `open`, nothing after
 * it, and nothing thrown gets out. In both runtimes a throw in a websocket callback ends the process.
 */
export class GuardedHandler {
  readonly #handler: SocketHandler;
  readonly #log: Log;
  #socket: HostSocket | undefined;
  #isBroken = false;
  #isClosed = false;

  constructor(handler: SocketHandler, log: Log) {
    this.#handler = handler;
    this.#log = log;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  open(socket: HostSocket): void {
    this.#socket = socket;
    this.#run("open", () => this.#handler.open(socket));
  }

  message(text: string | undefined): void {
    if (this.#isBroken || this.#isClosed) return;
    this.#run("message", () => this.#handler.message(text));
  }

  pong(): void {
    if (this.#isBroken || this.#isClosed) return;
    this.#run("pong", () => this.#handler.pong());
  }

  close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#socket === undefined) return;
    this.#run("close", () => this.#handler.close(code, reason));
  }

  /** `call` may give a promise although its type says void: TypeScript lets an async method pass. */
  #run(stage: string, call: () => unknown): void {
    try {
      const result = call();
      if (result instanceof Promise) result.catch((error: unknown) => this.#fail(stage, error));
    } catch (error) {
      this.#fail(stage, error);
    }
  }

  #fail(stage: string, error: unknown): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#log.error("ws.bug", { stage, error, address: this.#socket?.remoteAddress });
    if (!this.#isClosed) this.#socket?.close(INTERNAL_ERROR_CODE, "internal error");
  }
}
