import { createConnection, createServer, type Server, type Socket } from "node:net";
import { carry } from "./carry.ts";
import { confined } from "./confined.ts";
import { within } from "./inbox.ts";
import type { Posthorn } from "./posthorn.ts";
import type { Target } from "./targets.ts";

const RELAY = `${import.meta.dir}/relay.ts`;

export function findIptables(): string | undefined {
  return Bun.which("iptables", { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` }) ?? undefined;
}

export function findIp(): string | undefined {
  return Bun.which("ip", { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` }) ?? undefined;
}

/** The same target with a network of its own, which a {@link Way} leads into. */
export function inOwnNetwork(target: Target): Target {
  return confined(target, { own: "n", prelude: `${findIp() ?? "ip"} link set lo up` });
}

/** A way to a server in a network of its own. Whoever takes it has the address `from` there. */
export class Way implements AsyncDisposable {
  readonly #pid: number;
  readonly #from: string;
  readonly #relay: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor({ pid, port, workspace }: Posthorn, from: string) {
    this.#pid = pid;
    this.#from = from;
    // A path is the same in every network.
    const path = workspace.file(`${from}.sock`);
    const relay = [process.execPath, RELAY, path, String(port), from];
    this.#relay = Bun.spawn([...this.#inside(), ...relay], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#server = createServer((client) => {
      this.#open.add(client);
      client.on("close", () => this.#open.delete(client));
      carry(client, createConnection({ path }));
    });
  }

  static async open(server: Posthorn, from: string): Promise<Way> {
    const way = new Way(server, from);
    const { value } = await within(way.#relay.stdout.getReader().read(), "the relay");
    if (value === undefined) throw new Error("Cannot open a way: the relay ended");
    const { promise, resolve } = Promise.withResolvers<void>();
    way.#server.listen(0, "127.0.0.1", resolve);
    await promise;
    return way;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("Cannot tell port");
    return `http://127.0.0.1:${address.port}`;
  }

  get wsUrl(): string {
    return this.url.replace("http", "ws");
  }

  /** From now on every packet is lost, either way, also those that would end a connection. */
  async lose(): Promise<void> {
    for (const side of ["-s", "-d"]) {
      const rule = ["-w", "-A", "INPUT", side, this.#from, "-j", "DROP"];
      const command = [...this.#inside(), findIptables() ?? "iptables", ...rule];
      const code = await Bun.spawn(command, { stderr: "inherit" }).exited;
      if (code !== 0) throw new Error(`Cannot lose packets: iptables ended with ${code}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
    this.#relay.kill("SIGKILL");
    await this.#relay.exited;
  }

  #inside(): readonly string[] {
    const asRoot = process.getuid?.() === 0 ? [] : ["-U", "--preserve-credentials"];
    return ["nsenter", "-t", String(this.#pid), "-n", ...asRoot, "--"];
  }
}
