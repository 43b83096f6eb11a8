import { CommandFailure } from "./command-failure.ts";
import type { DeviceChannel } from "./device-channel.ts";
import type { CommandChange, CommandOptions } from "./posthorn.d.ts";
import type { CommandOnWire } from "./read-change.ts";
import type { Session } from "./session.ts";

const TIMEOUT_MS = 30_000;

/** Errors of the server start here; what is below is the connection's. */
const SERVER_ERRORS = 100;

interface Waiting {
  readonly request: Readonly<Record<string, unknown>>;
  readonly settle: (command: CommandOnWire) => void;
  readonly fail: (error: CommandFailure) => void;
}

/**
 * Sends commands and waits for their ends. Each has a key of its own, so that one whose sending was
 * interrupted is sent again and still obeyed once; its end is heard on the device's channel, also
 * when the connection broke in between.
 */
export class Commands {
  private readonly session: Session;
  private readonly channel: DeviceChannel;
  private readonly device: string;
  private readonly waiting = new Map<string, Waiting>();

  constructor(session: Session, channel: DeviceChannel, device: string) {
    this.session = session;
    this.channel = channel;
    this.device = device;
  }

  send(type: string, data: unknown, options: CommandOptions): Promise<unknown> {
    const { timeout = TIMEOUT_MS, ttl = Math.max(1, Math.ceil(timeout / 1000)) } = options;
    if (this.session.status.state === "closed") return Promise.reject(closedFailure());
    const key = randomKey();
    const request = { device: this.device, type, data: data === undefined ? null : data, ttl, key };
    const release = this.channel.hold();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        fail(new CommandFailure("timeout", `Cannot wait longer: no answer in ${timeout} ms`));
      }, timeout);
      const forget = () => {
        clearTimeout(timer);
        this.waiting.delete(key);
        release();
      };
      const fail = (error: CommandFailure) => {
        forget();
        reject(error);
      };
      const settle = ({ status, result }: CommandOnWire) => {
        if (status === "done") {
          forget();
          resolve(result?.data);
        } else if (status === "failed") {
          fail(new CommandFailure(result?.error?.code ?? status, result?.error?.message ?? status));
        } else if (status === "expired" || status === "canceled") {
          fail(new CommandFailure(status, `The command was ${status} before the device obeyed it`));
        }
      };
      this.waiting.set(key, { request, settle, fail });
      this.ask(key);
    });
  }

  /** A step of a command to this device was published. */
  changed(change: CommandChange, data: unknown): void {
    const { key, result } = (data ?? {}) as CommandOnWire;
    const waiting = key === undefined ? undefined : this.waiting.get(key);
    waiting?.settle({ ...change, ...(result !== undefined && { result }) });
  }

  /** The ends of commands may have been missed. */
  askAgain(): void {
    for (const key of Array.from(this.waiting.keys())) this.ask(key);
  }

  end(): void {
    for (const { fail } of Array.from(this.waiting.values())) {
      fail(closedFailure());
    }
  }

  /** Sends it, or learns where it is when it was sent before: the server knows it by its key. */
  private ask(key: string): void {
    const waiting = this.waiting.get(key);
    if (waiting === undefined) return;
    const { client } = this.session;
    // The client would keep it until it is connected, and send what was given up meanwhile.
    const sent = client
      .ready()
      .then(() =>
        this.waiting.has(key) ? client.rpc("command.send", waiting.request) : undefined,
      );
    sent.then(
      (answer) => answer && waiting.settle(answer.data as CommandOnWire),
      (error: { code: number; message: string; temporary?: boolean }) => {
        const { code, message, temporary } = error;
        if (code >= SERVER_ERRORS && temporary !== true) {
          waiting.fail(
            new CommandFailure("refused", `The server refused it: ${message} (${code})`),
          );
        } else {
          setTimeout(() => this.ask(key), 1_000);
        }
      },
    );
  }
}

function closedFailure(): CommandFailure {
  return new CommandFailure("closed", "Cannot send a command: close() was called");
}

/** Unlike any other key of this user. */
function randomKey(): string {
  const part = () => Math.random().toString(36).slice(2, 12);
  return `${Date.now().toString(36)}-${part()}${part()}`;
}
