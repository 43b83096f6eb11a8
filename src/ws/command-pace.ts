import type { Clock } from "../core/ports/clock.ts";
import { type Rate, TokenBucket } from "../core/rate-limit.ts";
import type { ClientLimits } from "./client-services.ts";

/** Read for each command: they may change. */
type CommandRateLimits = Pick<ClientLimits, "commandsPerSecond" | "commandsBurst">;

/** What becomes of one more command. */
export type PaceVerdict =
  | "allowed"
  /** It is one too many; a later one may pass. */
  | "refused"
  /** So many were refused that the client does not listen. */
  | "excessive";

/** The rate of one client, at any time as its limits say. */
export class CommandRate implements Rate {
  readonly #limits: CommandRateLimits;

  constructor(limits: CommandRateLimits) {
    this.#limits = limits;
  }

  get perSecond(): number {
    return this.#limits.commandsPerSecond;
  }

  get burst(): number {
    return this.#limits.commandsBurst;
  }
}

/**
 * How fast one client may send commands. What exceeds the rate is refused at the same rate again, so
 * that a client which slows down loses nothing but these; beyond twice the rate it has to go.
 */
export class CommandPace {
  readonly #clock: Clock;
  readonly #allowed: TokenBucket;
  readonly #refused: TokenBucket;

  constructor(rate: Rate, clock: Clock) {
    const nowMs = clock.monotonicMs();
    this.#clock = clock;
    this.#allowed = new TokenBucket(rate, nowMs);
    this.#refused = new TokenBucket(rate, nowMs);
  }

  /** Counts one command. */
  next(): PaceVerdict {
    const nowMs = this.#clock.monotonicMs();
    if (this.#allowed.take(nowMs)) return "allowed";
    return this.#refused.take(nowMs) ? "refused" : "excessive";
  }
}
