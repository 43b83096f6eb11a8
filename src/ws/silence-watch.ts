import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";

/** After how much silence what stands in front of a server ends a connection, by default. */
const CULPRITS = [
  { seconds: 60, who: "nginx (proxy_read_timeout) or a load balancer of AWS, Alibaba or Huawei" },
  { seconds: 100, who: "Cloudflare" },
  { seconds: 300, who: "a load balancer of TCP, such as Huawei's" },
  { seconds: 350, who: "a network load balancer of AWS" },
  { seconds: 900, who: "a load balancer of TCP, such as Alibaba's" },
] as const;

/** How far from the round time a connection may end that was cut by a timer. */
const TOLERANCE_SECONDS = 1;
/** How many make a pattern, and what share they must be of all that broke off within {@link WINDOW_MS}. */
const CUTS_MIN = 10;
const SHARE_MIN = 0.3;
const WINDOW_MS = 10 * 60 * 1000;
/** One who has not acted on it by then is told again. */
const REPEAT_MS = 24 * 60 * 60 * 1000;

/**
 * Finds out from connections that broke off whether a proxy cuts what is silent: many then end after
 * the same time, while phones that lose their network end after any.
 */
export class SilenceWatch {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #cuts = new Map<number, number>();
  readonly #toldAtMs = new Map<number, number>();
  #total = 0;
  #windowStartedAtMs: number;

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock;
    this.#log = log;
    this.#windowStartedAtMs = clock.monotonicMs();
  }

  /** A connection broke off after so much silence. */
  brokeOff(silenceMs: number): void {
    this.#startWindow();
    this.#total += 1;
    const found = CULPRITS.find(
      ({ seconds }) => Math.abs(silenceMs / 1000 - seconds) <= TOLERANCE_SECONDS,
    );
    if (found === undefined) return;
    const cuts = (this.#cuts.get(found.seconds) ?? 0) + 1;
    this.#cuts.set(found.seconds, cuts);
    if (cuts >= CUTS_MIN && cuts >= SHARE_MIN * this.#total) this.#tell(found, cuts);
  }

  #startWindow(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#windowStartedAtMs < WINDOW_MS) return;
    this.#windowStartedAtMs = nowMs;
    this.#cuts.clear();
    this.#total = 0;
  }

  #tell({ seconds, who }: (typeof CULPRITS)[number], cuts: number): void {
    const nowMs = this.#clock.monotonicMs();
    const toldAtMs = this.#toldAtMs.get(seconds);
    if (toldAtMs !== undefined && nowMs - toldAtMs < REPEAT_MS) return;
    this.#toldAtMs.set(seconds, nowMs);
    this.#log.warn("proxy.idle_cut", {
      seconds,
      cuts,
      brokenOff: this.#total,
      found: `${cuts} connections broke off after ${seconds} s of silence, as if ${who} had cut them`,
      remedy: `set limits.ping_interval to less than ${seconds / 2} s, or raise the idle timeout of what stands in front`,
    });
  }
}
