import type { HostCapabilities } from "../../src/core/ports/host.ts";
import { FrameSocket, type SocketOptions } from "../support/frame-socket.ts";
import { Inbox, within } from "../support/inbox.ts";
import type { Call, Command, StartOptions } from "./host-wire.ts";

const SERVER = `${import.meta.dir}/host-server.ts`;

/** One line the server told. */
export interface Told {
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** The server of the host contract, running in a process of its own. */
export class HostProcess implements AsyncDisposable {
  readonly told = new Inbox<Told>();
  /** What the runtime itself wrote, which should be nothing. */
  stderr = "";
  port = 0;
  capabilities: Partial<HostCapabilities> = {};
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #reading: Promise<unknown>;
  #tag = 0;

  private constructor(command: readonly string[]) {
    this.#process = Bun.spawn([...command], { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
    this.#reading = Promise.all([
      eachLine(this.#process.stdout, (line) => this.told.push(JSON.parse(line))),
      eachLine(this.#process.stderr, (line) => {
        this.stderr += `${line}\n`;
      }),
    ]);
  }

  static async start(command: readonly string[], options: StartOptions): Promise<HostProcess> {
    const self = new HostProcess([...command, SERVER, JSON.stringify(options)]);
    const listening = self.told.find(({ kind }) => kind === "listening", { what: "listening" });
    const ended = self.#process.exited.then(async (code) => {
      await self.#reading; // what it wrote may come after the news of its end
      throw new Error(`Cannot start ${command[0]}: it exited with ${code}\n${self.stderr}`);
    });
    ended.catch(() => undefined); // it ends some day
    const line = await Promise.race([listening, ended]);
    self.port = Number(line["port"]);
    self.capabilities = line["capabilities"] as HostCapabilities;
    return self;
  }

  /** Has the server do something, and gives its result. */
  async run(command: Command): Promise<unknown> {
    this.#tag += 1;
    const tag = this.#tag;
    this.#process.stdin.write(`${JSON.stringify({ tag, ...command })}\n`);
    this.#process.stdin.flush();
    const done = await this.told.find((line) => line.kind === "done" && line["tag"] === tag, {
      what: `the end of ${command.do}`,
    });
    return done["result"];
  }

  /** Has the server call methods of one socket, all in one turn of its event loop. */
  async call(id: string, ...calls: readonly Call[]): Promise<unknown> {
    return this.run({ do: "call", id, calls });
  }

  /** Opens a websocket, and waits until the server's handler has it. */
  async connect(
    id: string,
    options: SocketOptions & { query?: string } = {},
  ): Promise<FrameSocket> {
    const scheme = options.ca === undefined ? "ws" : "wss";
    const url = `${scheme}://localhost:${this.port}/socket?id=${id}${options.query ?? ""}`;
    const socket = await FrameSocket.open(url, options);
    await this.event("open", id);
    return socket;
  }

  /** What the server told of one socket. */
  event(kind: string, id: string): Promise<Told> {
    return this.told.find((line) => line.kind === kind && line["id"] === id, {
      what: `${kind} of ${id}`,
    });
  }

  /** Everything of this kind that the server told before it was asked just now. */
  async all(kind: string): Promise<Told[]> {
    await this.run({ do: "nothing" });
    return this.told.items.filter((line) => line.kind === kind);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await within(Promise.all([this.#process.exited, this.#reading]), "the end of the server");
  }
}

async function eachLine(
  stream: ReadableStream<Uint8Array>,
  take: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  }
}
