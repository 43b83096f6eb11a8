import type { TokenClaims } from "./tokens.ts";

/**
 * Lets somebody in once: made for who is known already, and brought by a client in its URL, where
 * logs and proxies may see it.
 *
 * A ticket MUST have at least 128 bits of chance and hold nothing but A-Z a-z 0-9 _ - (phones decode
 * what is escaped in a URL). It MUST be good once, however many ask at the same time, and not longer
 * than `ttlMs`. No error MUST hold a ticket or a part of it.
 */
export interface Tickets {
  /** Throws `tickets_full` when too many are open. */
  issue(claims: TokenClaims, ttlMs: number): Promise<string>;
  /** Throws `ticket_refused` for one that is used, over or unknown: the client has to fetch another. */
  redeem(ticket: string): Promise<TokenClaims>;
}
