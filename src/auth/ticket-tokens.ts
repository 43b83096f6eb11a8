import { Fault } from "../core/faults.ts";
import type { Live } from "../core/live.ts";
import type { Tickets } from "../core/ports/tickets.ts";
import type { TokenVerifier } from "../core/ports/tokens.ts";
import { isTicket } from "./tickets.ts";

/**
 * Takes a ticket wherever a client may show a token, so that whatever speaks the client protocol can
 * bring one. Without `tokens.current`, since no key is configured, tickets alone are good.
 */
export function acceptTickets(
  tickets: Tickets,
  tokens: Live<TokenVerifier | undefined>,
): TokenVerifier {
  return {
    async verify(text) {
      return isTicket(text) ? tickets.redeem(text) : known(tokens.current).verify(text);
    },
    async verifySubscription(token, target) {
      return known(tokens.current).verifySubscription(token, target);
    },
  };
}

function known(tokens: TokenVerifier | undefined): TokenVerifier {
  if (tokens !== undefined) return tokens;
  throw new Fault("token_invalid", { detail: "this server has no key to check it with" });
}
