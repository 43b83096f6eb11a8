import process from "node:process";
import { BACKEND_KEY, Backend } from "./backend.ts";
import { Device } from "./device.ts";
import { FrameSocket } from "./frame-socket.ts";
import {
  type ConfigSections,
  configure,
  type LogLine,
  type Posthorn,
  startPosthorn,
} from "./posthorn.ts";
import type { Target } from "./targets.ts";
import { signToken, type TokenClaims } from "./tokens.ts";
import { Workspace } from "./workspace.ts";

const OPERATED: ConfigSections = { api: { keys: [BACKEND_KEY] } };

/** A server whose configuration is changed while it runs. */
export class ReloadingServer implements AsyncDisposable {
  readonly server: Posthorn;
  readonly #workspace: Workspace;

  private constructor(server: Posthorn, workspace: Workspace) {
    this.server = server;
    this.#workspace = workspace;
  }

  static async start(target: Target, config: ConfigSections = {}): Promise<ReloadingServer> {
    const workspace = await Workspace.make();
    const server = await startPosthorn(target, { workspace, config: { ...OPERATED, ...config } });
    return new ReloadingServer(server, workspace);
  }

  /** Writes another configuration, and gives what the server says when it has taken it over. */
  async reload(config: ConfigSections = {}): Promise<LogLine> {
    await configure(this.#workspace, { ...OPERATED, ...config });
    return this.hangUp("config.reloaded");
  }

  /** Writes a text that need not be a configuration, and gives what the server says of it. */
  async refuse(text: string): Promise<LogLine> {
    await this.#workspace.write("posthorn.toml", text);
    return this.hangUp("config.reload_failed");
  }

  async hangUp(event: "config.reloaded" | "config.reload_failed"): Promise<LogLine> {
    const from = this.server.logs.items.length;
    process.kill(this.server.pid, "SIGHUP");
    return this.server.waitForLog(event, () => true, from);
  }

  backend(key = BACKEND_KEY): Backend {
    return new Backend(this.server.url, { "x-api-key": key });
  }

  /** Adds a terminal. */
  async device(id: string): Promise<Device> {
    const { text } = await this.backend().post("/v1/devices", JSON.stringify({ id }));
    return new Device(this.server.url, { id, secret: JSON.parse(text).secret });
  }

  /** A client that is connected. */
  async client(claims: TokenClaims = { sub: "anna" }, secret?: string): Promise<FrameSocket> {
    const url = `${this.server.wsUrl}/connection/websocket`;
    const socket = await FrameSocket.open(url, { pongs: true });
    await socket.command({ connect: { token: signToken(claims, secret) } });
    return socket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.#workspace[Symbol.asyncDispose]();
  }
}
