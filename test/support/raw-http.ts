import { createConnection, type Socket } from "node:net";
import { within } from "./inbox.ts";

/** An HTTP answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** A plain TCP connection to which a test writes the bytes of a request itself. */
export class RawConnection implements Disposable {
  readonly #socket: Socket;
  readonly #ended: Promise<void>;
  readonly #answered = Promise.withResolvers<void>();
  /** One character per byte, so that lengths on the wire are lengths here. */
  #received = "";

  private constructor(port: number) {
    this.#socket = createConnection(port, "127.0.0.1");
    this.#ended = new Promise((resolve) => this.#socket.once("close", () => resolve()));
    this.#socket.on("error", () => undefined); // a reset shows as the end of what came
    this.#socket.setEncoding("latin1");
    this.#socket.on("data", (chunk) => {
      this.#received += chunk;
      if (isComplete(this.#received)) this.#answered.resolve();
    });
  }

  static async open(port: number): Promise<RawConnection> {
    const self = new RawConnection(port);
    const connected = new Promise<void>((resolve) => self.#socket.once("connect", () => resolve()));
    await within(Promise.race([connected, self.#ended]), `a TCP connection to ${port}`);
    return self;
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  /** Takes nothing more from the network until it is resumed. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Resolves when the connection has come to an end, in whatever way. */
  async ended(deadlineMs?: number): Promise<void> {
    await within(this.#ended, "the end of the connection", deadlineMs);
  }

  /** The answer as soon as it is complete; the connection may stay open. */
  async answer(): Promise<RawAnswer> {
    await within(Promise.race([this.#answered.promise, this.#ended]), "the answer");
    return parseAnswer(this.#received);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** Joins the lines of a request, ends its head, and adds the body. */
export function rawRequest(lines: readonly string[], body = ""): string {
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

/** Whether the head and the whole body have come; a body without a length ends with the connection. */
function isComplete(text: string): boolean {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) return false;
  const head = text.slice(0, headEnd);
  if (/^HTTP\/1\.\d 101 /.test(head)) return true;
  const length = /^content-length: *(\d+)/im.exec(head)?.[1];
  if (length !== undefined) return text.length >= headEnd + 4 + Number(length);
  return /^transfer-encoding: *chunked/im.test(head) && text.endsWith("0\r\n\r\n");
}

function parseAnswer(text: string): RawAnswer {
  const headEnd = text.indexOf("\r\n\r\n");
  const [statusLine = "", ...fields] = text
    .slice(0, headEnd < 0 ? text.length : headEnd)
    .split("\r\n");
  const headers = new Map(
    fields.map((field): [string, string] => {
      const colon = field.indexOf(":");
      return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
    }),
  );
  const rest = headEnd < 0 ? "" : text.slice(headEnd + 4);
  const bytes = headers.get("transfer-encoding") === "chunked" ? dechunk(rest) : rest;
  return {
    status: Number(statusLine.split(" ")[1]),
    headers,
    body: Buffer.from(bytes, "latin1").toString("utf8"),
  };
}

function dechunk(text: string): string {
  let rest = text;
  let body = "";
  for (;;) {
    const lineEnd = rest.indexOf("\r\n");
    const size = Number.parseInt(rest.slice(0, lineEnd), 16);
    if (!(size > 0)) return body;
    body += rest.slice(lineEnd + 2, lineEnd + 2 + size);
    rest = rest.slice(lineEnd + 2 + size + 2);
  }
}
