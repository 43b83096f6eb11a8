import { createHash } from "node:crypto";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Entropy } from "../core/ports/entropy.ts";
import type { Metrics } from "../core/ports/metrics.ts";
import type { Tickets } from "../core/ports/tickets.ts";
import type { TokenClaims } from "../core/ports/tokens.ts";

/** Tells a ticket from a token, which never begins so, and to secret scanners what leaked. */
const TICKET_PREFIX = "pht_";
const TICKET_BYTES = 16;

interface OpenTicket {
  readonly claims: TokenClaims;
  /** By the clock that never jumps. */
  readonly untilMs: number;
}

type End = "used" | "over";

const WHY = {
  used: "it was used before",
  over: "it was not used in time",
  unknown: "it is none of this server's, or was made before its last start",
} as const satisfies Record<End | "unknown", string>;

interface Surroundings {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly metrics: Metrics;
}

/** Whether what a client shows can only be a ticket. */
export function isTicket(text: string): boolean {
  return text.startsWith(TICKET_PREFIX);
}

/**
 * Keeps tickets in memory: a restart ends them all, and clients fetch others. Only their digests are
 * kept, so that what reads the memory of the process finds nothing to show.
 */
export function createTickets(around: Surroundings): Tickets {
  return new MemoryTickets(around);
}

class MemoryTickets implements Tickets {
  readonly #around: Surroundings;
  /** By digest, the one made first first. */
  readonly #open = new Map<string, OpenTicket>();
  /** What became of the latest that are no more. */
  readonly #ends = new Map<string, End>();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  async issue(claims: TokenClaims, ttlMs: number): Promise<string> {
    const { clock, entropy } = this.#around;
    const nowMs = clock.monotonicMs();
    this.#sweep(nowMs);
    if (this.#open.size >= LIMITS.ticketsMax) {
      const detail = `${LIMITS.ticketsMax} wait for their clients`;
      throw new Fault("tickets_full", { detail });
    }
    const ticket = TICKET_PREFIX + entropy.token(TICKET_BYTES);
    this.#open.set(digestOf(ticket), { claims, untilMs: nowMs + ttlMs });
    this.#count("issued");
    return ticket;
  }

  async redeem(ticket: string): Promise<TokenClaims> {
    const { clock } = this.#around;
    const digest = digestOf(ticket);
    const found = this.#open.get(digest);
    if (found === undefined) throw this.#refused(this.#ends.get(digest) ?? "unknown");
    const { claims, untilMs } = found;
    const isOver = clock.monotonicMs() >= untilMs || isPast(claims, clock);
    this.#end(digest, isOver ? "over" : "used");
    if (isOver) throw this.#refused("over");
    this.#count("redeemed");
    return claims;
  }

  #refused(why: keyof typeof WHY): Fault {
    this.#count(why);
    return new Fault("ticket_refused", { detail: WHY[why] });
  }

  #count(outcome: "issued" | "redeemed" | keyof typeof WHY): void {
    this.#around.metrics.count("posthorn_tickets_total", { outcome });
  }

  /** Stops at the first that is still good: whatever is behind it is swept a lifetime later at most. */
  #sweep(nowMs: number): void {
    for (const [digest, { untilMs }] of this.#open) {
      if (nowMs < untilMs) return;
      this.#end(digest, "over");
    }
  }

  #end(digest: string, end: End): void {
    this.#open.delete(digest);
    this.#ends.set(digest, end);
    if (this.#ends.size <= LIMITS.ticketsRemembered) return;
    const [oldest] = this.#ends.keys();
    if (oldest !== undefined) this.#ends.delete(oldest);
  }
}

function isPast({ expiresAtMs }: TokenClaims, clock: Clock): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= clock.nowMs();
}

function digestOf(ticket: string): string {
  return createHash("sha256").update(ticket).digest("base64url");
}
