import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { DeviceCredentials } from "./cli.ts";

export interface StrictOptions {
  readonly port: number;
  /** PEM text of the authority to trust; absent speaks plain http. */
  readonly ca?: string;
  readonly device: DeviceCredentials;
  /** Whether the connection is kept from one post to the next. */
  readonly keepsAlive: boolean;
}

interface Answer {
  readonly status: number;
  readonly isLast: boolean;
  readonly body: string;
}

/**
 * A terminal that repeats nothing: whatever keeps a post from being acknowledged at once is a failure,
 * be it a refused or reset connection, an end of one in the midst of an answer, or a status.
 */
export class StrictPoster implements Disposable {
  readonly failures: string[] = [];
  readonly acknowledged: string[] = [];
  /** Connections that it had to make. */
  connections = 0;
  readonly #options: StrictOptions;
  #line: Line | undefined;

  constructor(options: StrictOptions) {
    this.#options = options;
  }

  /** Posts one event and waits for the answer. */
  async post(id: string): Promise<void> {
    const { device, keepsAlive } = this.#options;
    const body = JSON.stringify({ id, type: "t", data: id });
    const head = [
      `POST /v1/devices/${device.id}/events HTTP/1.1`,
      "Host: localhost",
      `Authorization: Bearer ${device.secret}`,
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...(keepsAlive ? [] : ["Connection: close"]),
    ];
    try {
      const line = await this.#connected();
      const { status, isLast, body: text } = await line.ask(`${head.join("\r\n")}\r\n\r\n${body}`);
      if (isLast || !keepsAlive) this.#hangUp();
      if (status === 200 && text.includes(`"id":"${id}"`)) this.acknowledged.push(id);
      else this.failures.push(`${id}: ${status} ${text}`);
    } catch (error) {
      this.#hangUp();
      this.failures.push(`${id}: ${error instanceof Error ? error.message : error}`);
    }
  }

  [Symbol.dispose](): void {
    this.#hangUp();
  }

  async #connected(): Promise<Line> {
    // One that the server has ended while nothing was asked on it is no failure.
    if (this.#line?.isOpen === true) return this.#line;
    this.connections += 1;
    this.#line = await Line.open(this.#options);
    return this.#line;
  }

  #hangUp(): void {
    this.#line?.close();
    this.#line = undefined;
  }
}

/** One connection, one question at a time. */
class Line {
  isOpen = true;
  readonly #socket: Socket;
  #received = "";
  #waiting: PromiseWithResolvers<Answer> | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text) => this.#take(String(text)));
    for (const event of ["end", "close"]) socket.on(event, () => this.#ended(event));
    socket.on("error", (error) => this.#ended(error.message));
  }

  static async open({ port, ca }: StrictOptions): Promise<Line> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket =
      ca === undefined
        ? connectPlain({ port, host: "127.0.0.1" }, resolve)
        : connectTls({ port, host: "127.0.0.1", servername: "localhost", ca }, resolve);
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the connection was not accepted")));
    await promise;
    return new Line(socket);
  }

  ask(text: string): Promise<Answer> {
    this.#received = "";
    this.#waiting = Promise.withResolvers();
    this.#socket.write(text);
    return this.#waiting.promise;
  }

  close(): void {
    this.isOpen = false;
    this.#socket.destroy();
  }

  #ended(how: string): void {
    this.isOpen = false;
    this.#waiting?.reject(new Error(`no answer: ${how}`));
    this.#waiting = undefined;
  }

  #take(text: string): void {
    this.#received += text;
    const headEnd = this.#received.indexOf("\r\n\r\n");
    if (headEnd < 0) return;
    const head = this.#received.slice(0, headEnd);
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    const body = this.#received.slice(headEnd + 4);
    if (body.length < length) return;
    const status = Number(head.split(" ")[1]);
    this.#waiting?.resolve({ status, isLast: /^connection: *close/im.test(head), body });
    this.#waiting = undefined;
  }
}
