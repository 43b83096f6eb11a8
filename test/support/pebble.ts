import { join } from "node:path";
import { makeCertificates } from "../../src/tls/make-certificates.ts";
import { cleanEnvironment } from "./clean-environment.ts";
import { eventually, within } from "./inbox.ts";
import { freePort } from "./nginx.ts";
import { Workspace } from "./workspace.ts";

/** The path of the test authority of Let's Encrypt on this machine, when it has one. */
export function findPebble(): string | undefined {
  return Bun.which("pebble") ?? undefined;
}

/** The path of the name server that comes with it. */
export function findChallengeServer(): string | undefined {
  return Bun.which("pebble-challtestsrv") ?? undefined;
}

export interface PebbleOptions {
  /** Where it looks who has a name. */
  readonly challengePort: number;
  readonly validitySeconds?: number;
  /** Good nonces that it refuses, in percent; its own default is 5. */
  readonly nonceRejectPercent?: number;
  /** Accounts it takes, with their keys in base64url; absent: everybody. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
}

/** Every name leads to this machine unless a test says otherwise. */
export class Names implements AsyncDisposable {
  readonly address: string;
  readonly #management: string;
  readonly #child: Bun.Subprocess;

  private constructor(child: Bun.Subprocess, address: string, management: string) {
    this.#child = child;
    this.address = address;
    this.#management = management;
  }

  static async start(): Promise<Names> {
    const binary = findChallengeServer();
    if (binary === undefined) throw new Error("Cannot test ACME: pebble is not installed");
    const [dns, management] = [await freePort(), await freePort()];
    const servers = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv6", ""];
    const child = Bun.spawn(
      [binary, ...servers, "-dns01", `127.0.0.1:${dns}`, "-management", `127.0.0.1:${management}`],
      { stdin: "ignore", stdout: "ignore", stderr: "ignore", env: cleanEnvironment() },
    );
    const self = new Names(child, `127.0.0.1:${dns}`, `http://127.0.0.1:${management}`);
    await eventually(() => self.#answers(), "the name server");
    return self;
  }

  /** Lets a name lead nowhere, as when nobody has made a record for it. */
  async lose(name: string): Promise<void> {
    await this.#tell("set-servfail", { host: name });
  }

  async find(name: string): Promise<void> {
    await this.#tell("clear-servfail", { host: name });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.exited;
  }

  async #tell(path: string, body: object): Promise<void> {
    const answer = await fetch(`${this.#management}/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`Cannot tell the name server: ${answer.status}`);
  }

  async #answers(): Promise<true | undefined> {
    const answer = await fetch(`${this.#management}/dns-request-history`, {
      method: "POST",
      body: JSON.stringify({ host: "x" }),
    }).catch(() => undefined);
    return answer?.ok ? true : undefined;
  }
}

/** A running authority that certifies whoever answers at a name. */
export class Pebble implements AsyncDisposable {
  readonly directory: string;
  /** The path of a PEM file: whom to trust when asking it. */
  readonly directoryCa: string;
  readonly names: Names;
  readonly #owned: AsyncDisposableStack;
  readonly #management: string;
  readonly #ca: string;
  output = "";

  private constructor(parts: {
    owned: AsyncDisposableStack;
    ports: readonly [number, number];
    directoryCa: string;
    ca: string;
    names: Names;
  }) {
    const { owned, ports, directoryCa, ca, names } = parts;
    this.#owned = owned;
    this.directory = `https://localhost:${ports[0]}/dir`;
    this.#management = `https://localhost:${ports[1]}`;
    this.directoryCa = directoryCa;
    this.#ca = ca;
    this.names = names;
  }

  static async start(options: PebbleOptions): Promise<Pebble> {
    const binary = findPebble();
    if (binary === undefined) throw new Error("Cannot test ACME: pebble is not installed");
    await using opening = new AsyncDisposableStack();
    const workspace = opening.use(await Workspace.make());
    const names = opening.use(await Names.start());
    const made = await makeCertificates({ hosts: ["localhost", "127.0.0.1"], now: new Date() });
    const ports = [await freePort(), await freePort()] as const;
    const { validitySeconds, externalAccounts, nonceRejectPercent } = options;
    const config = {
      listenAddress: `127.0.0.1:${ports[0]}`,
      managementListenAddress: `127.0.0.1:${ports[1]}`,
      certificate: await workspace.write("pebble-cert.pem", made.cert),
      privateKey: await workspace.write("pebble-key.pem", made.key),
      httpPort: options.challengePort,
      tlsPort: 1,
      ocspResponderURL: "",
      ...(validitySeconds && { certificateValidityPeriod: validitySeconds }),
      externalAccountBindingRequired: externalAccounts !== undefined,
      ...(externalAccounts && { externalAccountMACKeys: externalAccounts }),
    };
    const file = await workspace.write("pebble.json", JSON.stringify({ pebble: config }));
    const env = cleanEnvironment({
      PEBBLE_VA_NOSLEEP: "1",
      ...(nonceRejectPercent !== undefined && {
        PEBBLE_WFE_NONCEREJECT: String(nonceRejectPercent),
      }),
    });
    const args = ["-config", file, "-strict", "-dnsserver", names.address];
    const child = Bun.spawn([binary, ...args], {
      env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    opening.defer(async () => {
      child.kill("SIGKILL");
      await child.exited;
    });
    const directoryCa = await workspace.write("pebble-ca.pem", made.ca);
    const self = new Pebble({
      ...{ ports, names, directoryCa, ca: made.ca },
      owned: opening.move(),
    });
    self.#collect(child.stdout);
    self.#collect(child.stderr);
    await eventually(() => self.#answers(), "the authority");
    return self;
  }

  /** PEM text: whom a phone would have to trust. */
  async root(): Promise<string> {
    return await (await this.#get("/roots/0")).text();
  }

  /** Orders that it was asked for. */
  get orders(): number {
    return this.output.split("Added order ").length - 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await within(this.#owned.disposeAsync(), "the end of the authority");
  }

  #get(path: string): Promise<Response> {
    return fetch(join(this.#management, path), { tls: { ca: this.#ca } });
  }

  async #answers(): Promise<true | undefined> {
    const answer = await fetch(this.directory, { tls: { ca: this.#ca } }).catch(() => undefined);
    return answer?.ok ? true : undefined;
  }

  #collect(stream: ReadableStream<Uint8Array>): void {
    const decoder = new TextDecoder();
    const read = async () => {
      for await (const chunk of stream) this.output += decoder.decode(chunk, { stream: true });
    };
    read().catch((error: unknown) => {
      this.output += String(error);
    });
  }
}
