import type { RunningServer } from "../compose.ts";
import type { Config } from "../config/config.ts";
import type { ControlChannel } from "../control/control-channel.ts";
import { controlPathOf, listenForControl, reachControl } from "../control/control-socket.ts";
import { SAYS } from "../control/message-types.ts";
import { nextWithin } from "../control/next-within.ts";
import { PredecessorLink } from "../control/predecessor.ts";
import { type Given, type Giving, giveTo } from "../control/successor.ts";
import { detach } from "../core/detach.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import { TAKEOVER_LIMITS } from "../core/takeover-limits.ts";
import { createHandingOnEntry } from "../http/handed-requests.ts";
import type { CertificateState } from "../tls/kept-certificate.ts";
import { VERSION } from "../version.ts";
import type { CommandContext } from "./command.ts";

export interface ControlParts {
  readonly config: Config;
  readonly context: CommandContext;
  readonly server: RunningServer;
  readonly log: Log;
  readonly urls: readonly string[];
  readonly sharesPort: boolean;
  /** It answers for us what comes to it late, until it is told to leave. */
  readonly predecessor: PredecessorLink | undefined;
}

/** What other processes of this machine may ask of a server. */
export interface Control extends AsyncDisposable {
  /** Resolves when everything was given to another server and nothing is left to do here. */
  readonly given: Promise<Exclude<Given, "abandoned">>;
  /** The store is not ours any more. */
  isGiven(): boolean;
}

/** Listens for who asks. Where it cannot the server serves all the same, and says so. */
export async function openControl(parts: ControlParts): Promise<Control> {
  const { config, log } = parts;
  const server = new ServeControl(parts);
  const { location } = config.store;
  if (location !== "memory") await server.listen(controlPathOf(location.file)).catch(unavailable);
  return server;

  function unavailable(error: unknown): void {
    log.warn("control.unavailable", { error });
  }
}

/** The server that serves this store, to take over from it; undefined when there is none. */
export async function findPredecessor(
  storeFile: string,
  { own, clock }: CommandContext,
): Promise<PredecessorLink | undefined> {
  const channel = await reachControl(controlPathOf(storeFile));
  return channel && new PredecessorLink(channel, { pid: own?.pid ?? 0, version: VERSION, clock });
}

class ServeControl implements Control {
  readonly given: Promise<Exclude<Given, "abandoned">>;
  readonly #parts: ControlParts;
  readonly #clock: Clock;
  readonly #resolveGiven: (given: Exclude<Given, "abandoned">) => void;
  readonly #startedMs: number;
  #listening: AsyncDisposable | undefined;
  #channels = 0;
  #isGiving = false;
  #isGiven = false;

  constructor(parts: ControlParts) {
    this.#parts = parts;
    this.#clock = parts.context.clock;
    this.#startedMs = this.#clock.monotonicMs();
    const { promise, resolve } = Promise.withResolvers<Exclude<Given, "abandoned">>();
    this.given = promise;
    this.#resolveGiven = resolve;
  }

  isGiven(): boolean {
    return this.#isGiven;
  }

  async listen(path: string): Promise<void> {
    const { log } = this.#parts;
    this.#listening = await listenForControl(path, (channel) => {
      detach(log, "control", () => this.#talk(channel));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listening?.[Symbol.asyncDispose]();
    this.#listening = undefined;
  }

  async #talk(channel: ControlChannel): Promise<void> {
    using talking = channel;
    if (this.#channels >= TAKEOVER_LIMITS.controlChannelsMax) return;
    this.#channels += 1;
    try {
      const message = await nextWithin(talking, TAKEOVER_LIMITS.controlTimeoutMs, this.#clock);
      if (message?.type === SAYS.status) talking.send(await this.#status());
      else if (message?.type === SAYS.takeover) await this.#giveAway(talking, message);
    } finally {
      this.#channels -= 1;
    }
  }

  async #giveAway(channel: ControlChannel, asked: Readonly<Record<string, unknown>>) {
    const { log, predecessor, context } = this.#parts;
    const why = this.#refusal();
    if (why !== undefined) {
      channel.send({ type: SAYS.refused, why });
      return;
    }
    this.#isGiving = true;
    log.info("takeover.asked", { pid: asked["pid"], version: asked["version"] });
    await predecessor?.leave();
    const ending = aborted(context.signal);
    const given = await giveTo(channel, this.#giving(), { clock: this.#clock, ending }).catch(
      (error) => this.#failed(error),
    );
    this.#isGiving = false;
    if (given === "abandoned") log.error("takeover.abandoned");
    else this.#resolveGiven(given);
  }

  /** A bug, or a store that does not close: whoever has given it up can only end. */
  #failed(error: unknown): Given {
    const { log, server } = this.#parts;
    log.error("task.failed", { stage: "takeover", error });
    if (this.#isGiven) return "lost";
    server.handover.stay();
    return "abandoned";
  }

  #refusal(): string | undefined {
    if (!this.#parts.sharesPort) return "this runtime cannot share its port; restart it instead";
    if (this.#isGiving) return "another one takes over already";
    return this.#parts.context.signal?.aborted === true ? "it is shutting down" : undefined;
  }

  #giving(): Giving {
    const { server, log } = this.#parts;
    const { handover } = server;
    return {
      leave: (isCanceled) => handover.leave(isCanceled),
      stay: () => handover.stay(),
      giveStore: async () => {
        this.#isGiven = true;
        // The next one makes a socket of its own, under the same name.
        await this[Symbol.asyncDispose]();
        await handover.giveStore();
      },
      handOn: (handing) => {
        const ask = handing.ask.bind(handing);
        handover.handOn(createHandingOnEntry({ clock: this.#clock, log, ask }));
      },
    };
  }

  async #status() {
    const { server, urls, context } = this.#parts;
    const { status } = await server.enter(
      new Request("http://localhost/readyz", { headers: { host: "localhost" } }),
      {
        remoteAddress: "127.0.0.1",
        upgrade: () => false,
        holdOpen: () => () => undefined,
      },
    );
    return {
      type: SAYS.status,
      version: VERSION,
      pid: context.own?.pid ?? 0,
      uptime_ms: Math.round(this.#clock.monotonicMs() - this.#startedMs),
      urls,
      ...(server.httpPort !== undefined && { http_port: server.httpPort }),
      ...(server.devicesPort !== undefined && { devices_port: server.devicesPort }),
      ready: status === 200,
      certificates: (server.certificates?.states() ?? []).map(toShown),
    };
  }
}

/** For `posthorn status`. */
function toShown({ name, hosts, expiresAtMs, isServed, isNewest }: CertificateState) {
  const expires = isServed ? new Date(expiresAtMs).toISOString() : null;
  return { name, hosts, expires, served: isServed, newest: isNewest };
}

async function aborted(signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal?.aborted === true) resolve();
  signal?.addEventListener("abort", () => resolve(), { once: true });
  await promise;
}
