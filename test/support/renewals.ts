import { chmod } from "node:fs/promises";
import type { MadeCertificates } from "../../src/tls/make-certificates.ts";
import { makeCertificates } from "../../src/tls/make-certificates.ts";
import type { Posthorn } from "./posthorn.ts";
import { askTls } from "./tls-client.ts";
import type { Workspace } from "./workspace.ts";

/** The pair of files that a server under test is configured with, and whoever renews it. */
export class RenewedFiles {
  readonly #workspace: Workspace;
  readonly #name: string;

  constructor(workspace: Workspace, name = "tls") {
    this.#workspace = workspace;
    this.#name = name;
  }

  get cert(): string {
    return this.#workspace.file(`${this.#name}-cert.pem`);
  }

  get key(): string {
    return this.#workspace.file(`${this.#name}-key.pem`);
  }

  /** Makes a certificate for these hosts and puts it there. */
  async renew(
    hosts: readonly string[] = ["localhost", "127.0.0.1"],
    days?: { readonly now: Date; readonly leaf: number },
  ): Promise<MadeCertificates> {
    const validDays = days && { leaf: days.leaf };
    const now = days?.now ?? new Date();
    const made = await makeCertificates({ hosts, now, ...(validDays && { validDays }) });
    await this.put(made);
    return made;
  }

  /** Not both at once: no tool that renews certificates can. */
  async put({ cert, key }: Pick<MadeCertificates, "cert" | "key">): Promise<void> {
    await this.putCert(cert);
    await this.putKey(key);
  }

  async putCert(cert: string): Promise<void> {
    await this.#workspace.write(`${this.#name}-cert.pem`, cert);
  }

  async putKey(key: string): Promise<void> {
    await chmod(await this.#workspace.write(`${this.#name}-key.pem`, key), 0o600);
  }
}

/** Resolves when the server serves the certificate that was put there before the call. */
export function renewal(server: Posthorn, from: number): Promise<unknown> {
  return server.waitForLog("tls.reloaded", () => true, from);
}

export interface Dialed {
  readonly connections: number;
  /** What went wrong, each once for each connection. */
  readonly failures: readonly string[];
}

/** Connects anew all the time, `callers` at a time, until `done`. */
export async function dialUntil(
  done: Promise<unknown>,
  port: number,
  callers: number,
): Promise<Dialed> {
  let isDone = false;
  let connections = 0;
  const failures: string[] = [];
  const end = () => {
    isDone = true;
  };
  done.then(end, end);
  async function call(): Promise<void> {
    while (!isDone) {
      connections += 1;
      try {
        const { status } = await askTls({ port });
        if (status !== 200) failures.push(`status ${status}`);
      } catch (error) {
        failures.push(String(error));
      }
    }
  }
  await Promise.all(Array.from({ length: callers }, call));
  return { connections, failures };
}
