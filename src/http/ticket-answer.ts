import type { Live } from "../core/live.ts";
import type { Tickets } from "../core/ports/tickets.ts";
import type { WantedTicket } from "../protocol/ticket-body.ts";
import type { RouteContext } from "./backend-auth.ts";

/** What making tickets needs. */
export interface TicketDesk {
  readonly tickets: Tickets;
  /** How clients reach this server. Undefined: as whoever asks for the ticket does. */
  readonly publicUrl: Live<string | undefined>;
}

/** A ticket as whoever wanted it gets it; `expires_in` is in seconds. */
export interface TicketAnswer {
  readonly ticket: string;
  /** Where to connect, with the ticket in it. */
  readonly url: string;
  readonly expires_in: number;
}

/** Headers of an answer that lets somebody in: nobody between us may keep it. */
export const PRIVATE_HEADERS = { "cache-control": "no-store" } as const;

/** Makes a ticket. */
export async function issueTicket(
  { req, env }: RouteContext,
  { claims, ttlMs }: WantedTicket,
  { tickets, publicUrl }: TicketDesk,
): Promise<TicketAnswer> {
  const ticket = await tickets.issue(claims, ttlMs);
  const { protocol, host } = new URL(req.url);
  const asked = `${env.scheme ?? protocol.slice(0, -1)}://${host}`;
  const base = (publicUrl.current ?? asked).replace(/^http/i, "ws").replace(/\/+$/, "");
  return { ticket, url: `${base}/login?ticket=${ticket}`, expires_in: ttlMs / 1000 };
}
