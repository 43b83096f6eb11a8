import { type Backoff, backoffMs } from "../core/backoff.ts";
import { detach } from "../core/detach.ts";
import { LIMITS } from "../core/limits.ts";
import type { Cancel, Clock } from "../core/ports/clock.ts";
import type {
  Farewell,
  Host,
  Listener,
  ListenOptions,
  ServedCertificate,
  SocketBounds,
  TlsOptions,
} from "../core/ports/host.ts";
import type { Log } from "../core/ports/log.ts";
import type { LiveFanout } from "../ws/live-fanout.ts";

export interface ListeningParts {
  readonly host: Host<Request, Response>;
  readonly fanout: Pick<LiveFanout, "attach" | "detach">;
  /** What a client is told that has to come again, each with its own time to do so. */
  readonly farewell: () => Farewell;
  readonly clock: Clock;
  readonly log: Log;
}

type Options = ListenOptions<Request, Response>;

/** How often it is tried to listen again where the address had to be let go of first. */
const LISTEN_ATTEMPTS = 5;
const LISTEN_RETRY_MS = 1_000;

/** And without end where nobody listens there for us meanwhile. */
const DEAF_BACKOFF: Backoff = { firstMs: LISTEN_RETRY_MS, factor: 2, maxMs: 30_000 };

/**
 * One address that goes on being served when its certificates change: no runtime lets go of those a
 * listener began with, so another listener takes its place. Sockets stay on the one that accepted
 * them, where `sharesPort`, and it lives until the last of them is gone.
 */
export class RenewableListener {
  readonly #parts: ListeningParts;
  #options: Options;
  #current: Listener;
  /** No more accepting, oldest first. */
  readonly #replaced = new Set<Listener>();
  #renewing: Promise<unknown> = Promise.resolve();
  #isStopped = false;
  #isPaused = false;
  /** Attempts to listen again that have failed since it was last heard from here. */
  #failures = 0;
  #cancelRetry: Cancel = () => undefined;

  private constructor(parts: ListeningParts, options: Options, current: Listener) {
    this.#parts = parts;
    this.#options = options;
    this.#current = current;
  }

  static async open(parts: ListeningParts, options: Options): Promise<RenewableListener> {
    const shared = { ...options, sharePort: true };
    const listener = await parts.host.listen(shared);
    parts.fanout.attach(listener);
    // Once it has the port nobody is to be there beside it.
    const next = { ...shared, port: listener.port, takesOverPort: false };
    return new RenewableListener(parts, next, listener);
  }

  get port(): number {
    return this.#options.port;
  }

  /** Listeners that live for their sockets only. */
  get replaced(): number {
    return this.#replaced.size;
  }

  /** It should accept, and cannot have its address again; it goes on trying. */
  get isDeaf(): boolean {
    return this.#failures > 0 && !this.#isStopped;
  }

  /** Resolves when every new connection gets these; one renewal begins when the one before it is done. */
  renew(certificates: readonly [ServedCertificate, ...ServedCertificate[]]): Promise<void> {
    const renewed = this.#renewing.then(async () => {
      const { tls } = this.#options;
      if (tls === undefined || this.#isStopped) return;
      await this.#replace({ ...tls, certificates });
    });
    // Whoever asked for it hears of a failure; the next one begins all the same.
    this.#renewing = renewed.catch(() => undefined);
    return renewed;
  }

  /** Accepts nobody until it resumes; sockets stay. Only where `stopKeepsSockets`. */
  pause(): void {
    if (!this.#parts.host.capabilities.stopKeepsSockets) return;
    this.#inTurn("listener.pause", async () => {
      this.#cancelRetry();
      this.#failures = 0;
      if (this.#isPaused || this.#isStopped) return;
      this.#isPaused = true;
      this.#retire(this.#current, LIMITS.listenersPausedMax);
    });
  }

  resume(): void {
    this.#inTurn("listener.resume", () => this.#resume());
  }

  /** Resolves when no change is under way; none begins until what it resolves to is called. */
  async hold(): Promise<() => void> {
    const begun = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    this.#renewing = this.#renewing.then(async () => {
      begun.resolve();
      await released.promise;
    });
    await begun.promise;
    return released.resolve;
  }

  /** Ends kept-alive connections on which nothing runs. */
  closeIdle(): void {
    for (const listener of [this.#current, ...this.#replaced]) listener.closeIdle();
  }

  rebound(bounds: SocketBounds): void {
    this.#options = { ...this.#options, ...bounds };
    for (const listener of [this.#current, ...this.#replaced]) listener.rebound(bounds);
  }

  /** Accepts nothing any more; resolves when running requests are answered. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelRetry();
    await Promise.all([this.#current, ...this.#replaced].map((it) => it.stop()));
  }

  async abort(): Promise<void> {
    await this.stop();
    await this.#current.abort();
  }

  async #replace(tls: TlsOptions): Promise<void> {
    const { host } = this.#parts;
    const options = { ...this.#options, tls };
    if (this.#isPaused) {
      this.#options = options;
      return;
    }
    const old = this.#current;
    if (host.capabilities.sharesPort) {
      this.#install(await host.listen(options), options);
      // Its own handshakes end, and what the kernel has for it is accepted.
      await this.#pause(LIMITS.listenerOverlapMs);
      this.#retire(old);
      return;
    }
    if (host.capabilities.stopKeepsSockets) this.#retire(old);
    else await this.#end(old);
    try {
      this.#install(await this.#listenAgain(options), options);
    } catch (error) {
      // Rather with what was served before than not at all.
      this.#isPaused = true;
      this.#retryLater(error);
      throw error;
    }
  }

  async #resume(): Promise<void> {
    this.#cancelRetry();
    if (!this.#isPaused || this.#isStopped) return;
    try {
      this.#install(await this.#parts.host.listen(this.#options), this.#options);
    } catch (error) {
      this.#retryLater(error);
      return;
    }
    this.#isPaused = false;
    if (this.#failures > 0) this.#parts.log.info("listener.recovered", { port: this.port });
    this.#failures = 0;
  }

  #retryLater(error: unknown): void {
    const { clock, log } = this.#parts;
    if (this.#isStopped) return;
    this.#failures += 1;
    const retryMs = backoffMs(DEAF_BACKOFF, this.#failures);
    log.error("listener.deaf", { port: this.port, retryMs, error });
    this.#cancelRetry = clock.after(retryMs, () => this.resume());
  }

  /** One change of the listener after the other. A failure is for the log, since nobody waits. */
  #inTurn(name: string, change: () => Promise<void>): void {
    const changed = this.#renewing.then(change);
    this.#renewing = changed.catch(() => undefined);
    detach(this.#parts.log, name, () => changed);
  }

  #install(listener: Listener, options: Options): void {
    this.#parts.fanout.attach(listener);
    this.#current = listener;
    this.#options = options;
    if (this.#isStopped) detach(this.#parts.log, "listener.stop", () => listener.stop());
  }

  #retire(old: Listener, replacedMax: number = LIMITS.listenersReplacedMax): void {
    const { fanout, log } = this.#parts;
    this.#replaced.add(old);
    detach(log, "listener.replaced", async () => {
      await old.stop();
      while (old.openSockets() > 0) await this.#pause(LIMITS.listenerRecheckMs);
      fanout.detach(old);
      this.#replaced.delete(old);
    });
    const [oldest] = this.#replaced;
    if (oldest !== undefined && this.#replaced.size > replacedMax) {
      this.#sendAway(oldest);
    }
  }

  /** Ends what is left on the oldest one: it has seen so many renewals that its peers can come again. */
  #sendAway(oldest: Listener): void {
    const { clock, farewell, log } = this.#parts;
    this.#replaced.delete(oldest);
    log.info("listener.ended", { port: this.port, sockets: oldest.openSockets() });
    oldest.closeSockets(farewell);
    clock.after(LIMITS.closeGraceMs, () => detach(log, "listener.abort", () => oldest.abort()));
  }

  /** Where sockets end with their listener: they come again to the next one. */
  async #end(old: Listener): Promise<void> {
    const { fanout, farewell, log } = this.#parts;
    log.info("listener.ended", { port: this.port, sockets: old.openSockets() });
    old.closeSockets(farewell);
    await old.stop();
    fanout.detach(old);
  }

  async #listenAgain(options: Options): Promise<Listener> {
    for (let more = LISTEN_ATTEMPTS; ; more -= 1) {
      try {
        return await this.#parts.host.listen(options);
      } catch (error) {
        if (more === 1) throw error;
        await this.#pause(LISTEN_RETRY_MS);
      }
    }
  }

  async #pause(pauseMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#parts.clock.after(pauseMs, resolve);
    await promise;
  }
}
