import { createConnection, createServer } from "node:net";
import { DEADLINE_MS, eventually, within } from "./inbox.ts";
import type { Workspace } from "./workspace.ts";

/** Where Debian and others keep nginx; their sbin is on root's path only. */
const PLACES = [process.env["PATH"], "/usr/sbin", "/usr/local/sbin"].join(":");

/** The path of nginx on this machine, when it has one. */
export function findNginx(): string | undefined {
  return Bun.which("nginx", { PATH: PLACES }) ?? undefined;
}

/** A running nginx with one `http` configuration. */
export class Nginx implements AsyncDisposable {
  readonly port: number;
  readonly #child: Bun.Subprocess<"ignore", "ignore", "pipe">;

  private constructor(child: Bun.Subprocess<"ignore", "ignore", "pipe">, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** Starts nginx in the foreground with what `http` writes for the port it gets. */
  static async start(workspace: Workspace, http: (port: number) => string): Promise<Nginx> {
    const binary = findNginx();
    if (binary === undefined) throw new Error("Cannot test behind nginx: it is not installed");
    const port = await freePort();
    const file = await workspace.write("nginx.conf", mainConfig(workspace, http(port)));
    const child = Bun.spawn([binary, "-p", workspace.path, "-c", file], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    const self = new Nginx(child, port);
    try {
      await eventually(() => self.#accepts(), "nginx to listen");
      return self;
    } catch (error) {
      await self[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Everything it said about its configuration and its work; only after it ended. */
  async messages(): Promise<string> {
    this.#child.kill("SIGQUIT");
    return within(new Response(this.#child.stderr).text(), "the end of nginx");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await within(this.#child.exited, "the end of nginx", DEADLINE_MS);
  }

  async #accepts(): Promise<true | undefined> {
    if (this.#child.exitCode !== null) {
      throw new Error(`Cannot start nginx: ${await new Response(this.#child.stderr).text()}`);
    }
    const { promise, resolve } = Promise.withResolvers<true | undefined>();
    const socket = createConnection(this.port, "127.0.0.1");
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(undefined));
    const connected = await promise;
    socket.destroy();
    return connected;
  }
}

function mainConfig(workspace: Workspace, http: string): string {
  // As root nginx would hand its work to a user that may not enter the workspace.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const temporary = paths.map((name) => `  ${name}_temp_path ${workspace.file(`nginx-${name}`)};`);
  return `${user}
daemon off;
master_process off;
worker_processes 1;
pid ${workspace.file("nginx.pid")};
error_log stderr warn;
events { worker_connections 256; }
http {
  access_log off;
${temporary.join("\n")}
${http}
}
`;
}

/** A port that was free a moment ago, for programs that cannot choose one themselves. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<number>();
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    if (address !== null && typeof address === "object") resolve(address.port);
  });
  const port = await promise;
  await new Promise((done) => server.close(done));
  return port;
}
