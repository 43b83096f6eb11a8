import { CUT, type System, TEXTS, textOfFailure } from "./texts.ts";

type Handler = (event: unknown) => void;
type EventName = "open" | "message" | "error" | "close";

interface Outcome {
  readonly success?: (result: unknown) => void;
  readonly fail?: (error: unknown) => void;
  readonly complete?: (result: unknown) => void;
}

interface SendOptions extends Outcome {
  readonly data: unknown;
}

interface CloseOptions extends Outcome {
  readonly code?: number;
  readonly reason?: string;
}

/** Whether a task still counts for the platform's limit: until its close was told. */
export type TaskState = "connecting" | "open" | "closing" | "closed";

/** What a task asks of the phone it runs on. */
export interface TaskHost {
  readonly system: System;
  /** PEM text of the authority that the phone trusts beside its own; for servers of tests. */
  readonly ca: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** How long the platform takes to tell of a close. */
  readonly closeDelayMs: number;
  /** The platform forgets to tell of the opening, as some do. */
  readonly losesOpen: boolean;
  /** A close before the opening has no effect. */
  readonly ignoresEarlyClose: boolean;
  /** Runs code of the app, now or when it is thawed. */
  deliver(run: () => void): void;
  after(ms: number, run: () => void): void;
  /** Something that phones do without a word. */
  complain(what: string): void;
}

const BunWebSocket = WebSocket as unknown as new (
  url: string,
  options: Bun.WebSocketOptions,
) => WebSocket & { terminate(): void };

/** The phone's side of one socket; the app gets only what {@link FakeSocketTask.face} shows. */
export class FakeSocketTask {
  readonly url: string;
  state: TaskState = "connecting";
  /** Everything the app sent and the platform took. */
  readonly sent: string[] = [];
  /** Every text that arrived. */
  readonly received: string[] = [];
  readonly #host: TaskHost;
  readonly #socket: InstanceType<typeof BunWebSocket>;
  readonly #handlers: Record<EventName, Handler[]> = {
    open: [],
    message: [],
    error: [],
    close: [],
  };
  #isDeaf = false;

  constructor(url: string, protocols: readonly string[] | undefined, host: TaskHost) {
    this.url = url;
    this.#host = host;
    const socket = new BunWebSocket(url, {
      headers: { ...host.headers },
      ...(protocols !== undefined && { protocols: [...protocols] }),
      ...(host.ca !== undefined && { tls: { ca: host.ca } }),
    });
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened();
    socket.onmessage = ({ data }) => {
      if (typeof data === "string") this.received.push(data);
      this.#tell("message", { data });
    };
    socket.onerror = (event) => this.#failed(String((event as ErrorEvent).message));
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  /** The six methods that the documentation knows, and no more. */
  face() {
    const on = (name: EventName) => (handler: Handler) => void this.#handlers[name].push(handler);
    return {
      send: (options: SendOptions) => this.#send(options),
      close: (options: CloseOptions = {}) => this.#close(options),
      onOpen: on("open"),
      onMessage: on("message"),
      onError: on("error"),
      onClose: on("close"),
    };
  }

  /** Cut because the app went to the background; told when it is back, or never. */
  interrupt(isTold: boolean): void {
    this.#isDeaf = true;
    this.#socket.terminate();
    if (this.state === "closed") return;
    const wasConnecting = this.state === "connecting";
    this.state = "closed";
    if (!isTold) return;
    if (wasConnecting) this.#fire("error", TEXTS.interrupted);
    this.#fire("close", { code: 1000, reason: "interrupted" });
  }

  /** The network it went through is gone. Nobody tells the app, and what it sends goes nowhere. */
  goSilent(): void {
    this.#isDeaf = true;
    this.#socket.terminate();
  }

  #opened(): void {
    if (this.state !== "connecting") return;
    this.state = "open";
    if (!this.#host.losesOpen) this.#tell("open", { header: {}, profile: {} });
  }

  #failed(message: string): void {
    if (this.state === "connecting") this.#tell("error", textOfFailure(message));
  }

  #closed(code: number, reason: string): void {
    if (this.#isDeaf || this.state === "closed") return;
    const isCut = code === 1006 && this.state === "open";
    this.#end(isCut ? CUT[this.#host.system] : { code, reason });
  }

  #end(close: { readonly code: number; readonly reason: string }): void {
    const finish = () => {
      if (this.state === "closed") return;
      this.state = "closed";
      this.#fire("close", close);
    };
    if (this.#host.closeDelayMs === 0) finish();
    else this.#host.after(this.#host.closeDelayMs, finish);
  }

  #send({ data, ...outcome }: SendOptions): void {
    if (typeof data !== "string" && !isArrayBuffer(data)) {
      // No callback is called, and nothing arrives.
      this.#host.complain("a typed array was sent where only a string or an ArrayBuffer can be");
      return;
    }
    const refusal = this.state === "open" ? undefined : TEXTS.notConnected;
    this.#answer(outcome, refusal);
    if (refusal !== undefined) return;
    if (typeof data === "string") this.sent.push(data);
    if (!this.#isDeaf) this.#socket.send(data);
  }

  #close({ code = 1000, reason = "", ...outcome }: CloseOptions): void {
    const refusal = this.#refuseClose(code, reason);
    this.#answer(outcome, refusal);
    if (refusal !== undefined) return;
    const wasOpen = this.state === "open";
    if (!wasOpen && this.#host.ignoresEarlyClose) return;
    this.state = "closing";
    if (wasOpen && !this.#isDeaf) {
      this.#socket.close(code, reason);
      return;
    }
    // Nobody answers a close here, so the platform ends the socket by itself.
    this.#isDeaf = true;
    this.#socket.terminate();
    this.#end({ code, reason: reason || "normal closure" });
  }

  #refuseClose(code: number, reason: string): { readonly errMsg: string } | undefined {
    if (this.state === "closing" || this.state === "closed") return TEXTS.closedBefore;
    if (code !== 1000 && (code < 3000 || code > 4999)) return TEXTS.badCode;
    return Buffer.byteLength(reason) > 123 ? TEXTS.longReason : undefined;
  }

  #answer({ success, fail, complete }: Outcome, error?: { readonly errMsg: string }): void {
    this.#host.deliver(() => {
      if (error === undefined) success?.({ errMsg: "ok" });
      else fail?.({ ...error });
      complete?.(error ?? { errMsg: "ok" });
    });
  }

  #tell(name: EventName, event: object): void {
    if (!this.#isDeaf) this.#fire(name, event);
  }

  #fire(name: EventName, event: object): void {
    this.#host.deliver(() => {
      for (const handler of [...this.#handlers[name]]) handler({ ...event });
    });
  }
}

/** Those of the app come from another world, where `instanceof` does not reach. */
function isArrayBuffer(data: unknown): data is ArrayBuffer {
  return Object.prototype.toString.call(data) === "[object ArrayBuffer]";
}
