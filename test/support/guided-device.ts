import type { DeviceCredentials } from "./cli.ts";
import { FrameSocket } from "./frame-socket.ts";
import { HeldStream } from "./held-stream.ts";
import { within } from "./inbox.ts";
import type { Delivery } from "./terminal.ts";

/** What a request came to, as text and as far as it is JSON. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Beyond the longest poll. */
const ANSWER_MAX_MS = 60_000;

/** Sends one request, with a body that is JSON text, or is to be. */
export async function ask(
  url: string,
  { body, ...init }: Omit<RequestInit, "body"> & { readonly body?: object | string } = {},
): Promise<Answer> {
  const text = typeof body === "object" ? JSON.stringify(body) : body;
  const asked = fetch(url, { ...init, ...(text !== undefined && { body: text }) });
  const answer = await within(asked, `the answer of ${url}`, ANSWER_MAX_MS);
  const { status, headers } = answer;
  return read({ status, headers, text: await answer.text() });
}

function read(answer: Omit<Answer, "body">): Answer {
  const isJson = answer.headers.get("content-type")?.includes("json") ?? false;
  return { ...answer, body: isJson ? JSON.parse(answer.text) : {} };
}

/** What a poll brought. */
export interface Polled extends Answer {
  readonly commands: readonly Delivery[];
  readonly cursor: string;
}

/** A terminal that a test leads by the hand, one request at a time. */
export class GuidedDevice {
  readonly id: string;
  readonly secret: string;
  /** Where the server is; may change when it restarts elsewhere. */
  url: string;

  constructor(url: string, { id, secret }: DeviceCredentials) {
    this.url = url;
    this.id = id;
    this.secret = secret;
  }

  get channel(): string {
    return `device:${this.id}`;
  }

  ask(
    method: string,
    path: string,
    { headers, ...init }: Parameters<typeof ask>[1] = {},
  ): Promise<Answer> {
    const all = { ...this.#headers, "content-type": "application/json", ...headers };
    return ask(`${this.#address}${path}`, { ...init, method, headers: all });
  }

  /** One poll; `query` says how long, how many, and which cursor it acknowledges. */
  async poll(query: string, signal?: AbortSignal): Promise<Polled> {
    const answer = await this.ask("GET", `/commands?${query}`, { ...(signal && { signal }) });
    const { commands = [], cursor = "" } = answer.body;
    return { ...answer, commands: commands as readonly Delivery[], cursor: String(cursor) };
  }

  /** Waits for the one command that comes next. */
  async next(): Promise<Delivery> {
    const { commands, status, text } = await this.poll("wait=10&max=1");
    const [command] = commands;
    if (command === undefined) throw new Error(`no command came, but ${status} ${text}`);
    return command;
  }

  ack(command: string): Promise<Answer> {
    return this.ask("POST", `/commands/${command}/ack`);
  }

  /** Tells how a command ended; well unless the body says something else. */
  settle(command: string, body: object | string = { ok: true }): Promise<Answer> {
    return this.ask("POST", `/commands/${command}/result`, { body });
  }

  /** Holds a stream of server-sent events. */
  stream(): Promise<HeldStream> {
    return HeldStream.open(`${this.#address}/commands/stream`, { headers: this.#headers });
  }

  /** Holds a websocket. */
  socket(): Promise<FrameSocket> {
    const url = `${this.#address}/commands/stream`.replace(/^http/, "ws");
    return FrameSocket.open(url, { headers: this.#headers });
  }

  get #address(): string {
    return `${this.url}/v1/devices/${this.id}`;
  }

  get #headers(): Record<string, string> {
    return { authorization: `Bearer ${this.secret}` };
  }
}

/** The commands that came down a stream or a socket so far. */
export function deliveriesOn(receiver: HeldStream | FrameSocket): readonly Delivery[] {
  return receiver.lines.items.map(deliveryIn).filter((delivery) => delivery !== undefined);
}

/** Waits for one command on a stream or a socket. */
export async function deliveryOn(
  receiver: HeldStream | FrameSocket,
  matches: (delivery: Delivery) => boolean = () => true,
): Promise<Delivery> {
  const isIt = (line: string) => {
    const delivery = deliveryIn(line);
    return delivery !== undefined && matches(delivery);
  };
  const line = await receiver.lines.find(isIt, { what: "a command" });
  return deliveryIn(line) as Delivery;
}

/** Server-sent events have a command bare, websockets in a frame. */
function deliveryIn(line: string): Delivery | undefined {
  if (!line.startsWith("{")) return undefined;
  const value = JSON.parse(line);
  const delivery = value.command ?? value;
  return delivery.attempt === undefined ? undefined : delivery;
}
