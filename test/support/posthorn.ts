import { stringify } from "smol-toml";
import { cleanEnvironment } from "./clean-environment.ts";
import { Inbox, within } from "./inbox.ts";
import type { Target } from "./targets.ts";
import { TOKEN_SECRET } from "./tokens.ts";
import { Workspace } from "./workspace.ts";

/** Sections of the configuration file, each laid over the suite's own. */
export type ConfigSections = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const BASE_CONFIG: ConfigSections = {
  server: { host: "127.0.0.1" },
  tokens: { secret: TOKEN_SECRET },
};

export interface StartOptions {
  /** Absent: a workspace of this server's own, removed with it. */
  readonly workspace?: Workspace;
  readonly config?: ConfigSections;
  /** Where to listen; 0, the default, lets the system choose. */
  readonly port?: number;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** One line the server logged. */
export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** Writes the configuration a server of this workspace will read, also through the other commands. */
export async function configure(
  workspace: Workspace,
  sections: ConfigSections = {},
): Promise<void> {
  const merged = { ...BASE_CONFIG };
  for (const [name, keys] of Object.entries(sections)) merged[name] = { ...merged[name], ...keys };
  await workspace.write("posthorn.toml", stringify(merged));
}

/** Starts a server and waits until it listens. */
export async function startPosthorn(target: Target, options: StartOptions = {}): Promise<Posthorn> {
  const workspace = options.workspace ?? (await Workspace.make());
  if (options.config !== undefined || !(await Bun.file(workspace.file("posthorn.toml")).exists())) {
    await configure(workspace, options.config);
  }
  const args = ["serve", "--port", String(options.port ?? 0), ...(options.args ?? [])];
  const server = new Posthorn([...target.command, ...args], workspace, {
    env: cleanEnvironment(options.env),
    ownsWorkspace: options.workspace === undefined,
  });
  try {
    await server.listening();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

interface ProcessOptions {
  readonly env: Record<string, string>;
  readonly ownsWorkspace: boolean;
}

/** A running server, seen only through its process, its log and the network. */
export class Posthorn implements AsyncDisposable {
  readonly logs = new Inbox<LogLine>();
  readonly workspace: Workspace;
  /** Everything it printed, on both streams, as one text. */
  output = "";
  url = "";
  wsUrl = "";
  port = 0;
  readonly #child: Bun.Subprocess<"ignore", "pipe", "pipe">;
  readonly #printed: Promise<unknown>;
  readonly #ownsWorkspace: boolean;

  constructor(command: readonly string[], workspace: Workspace, options: ProcessOptions) {
    this.workspace = workspace;
    this.#ownsWorkspace = options.ownsWorkspace;
    this.#child = Bun.spawn([...command], {
      cwd: workspace.path,
      env: options.env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#printed = Promise.all([
      this.#collect(this.#child.stdout, (line) => this.logs.push(JSON.parse(line))),
      this.#collect(this.#child.stderr, () => undefined),
    ]);
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves when it accepts connections; rejects with what it printed when it ends instead. */
  async listening(): Promise<void> {
    const line = await Promise.race([this.waitForLog("server.listening"), this.#earlyEnd()]);
    this.port = Number(line["port"]);
    const [url] = line["urls"] as readonly string[];
    const scheme = url?.startsWith("https") || url?.startsWith("wss") ? "https" : "http";
    this.url = `${scheme}://127.0.0.1:${this.port}`;
    this.wsUrl = this.url.replace("http", "ws");
  }

  waitForLog(
    event: string,
    matches: (line: LogLine) => boolean = () => true,
    from = 0,
  ): Promise<LogLine> {
    const what = `log event ${event}`;
    return this.logs.find((line) => line.event === event && matches(line), { what, from });
  }

  /** Everything logged under one event so far. */
  logged(event: string): readonly LogLine[] {
    return this.logs.items.filter((line) => line.event === event);
  }

  terminate(): void {
    this.#child.kill("SIGTERM");
  }

  /** Asks it to end and gives its exit code. */
  async stop(): Promise<number> {
    this.terminate();
    return this.exited();
  }

  /** Ends it at once, as a power cut does to a process, and waits until it is gone. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited();
  }

  /** Resolves to the exit code once it ended and all it printed was read. */
  async exited(): Promise<number> {
    const code = await within(this.#child.exited, "the end of the server");
    await this.#printed;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
    if (this.#ownsWorkspace) await this.workspace[Symbol.asyncDispose]();
  }

  async #earlyEnd(): Promise<never> {
    const code = await this.#child.exited;
    await this.#printed;
    throw new Error(`posthorn serve ended with ${code} before it listened: ${this.output}`);
  }

  async #collect(
    stream: ReadableStream<Uint8Array>,
    onLine: (line: string) => void,
  ): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of stream) {
      const text = decoder.decode(chunk, { stream: true });
      this.output += text;
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) if (line !== "") onLine(line);
    }
  }
}
