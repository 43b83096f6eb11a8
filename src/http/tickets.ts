import type { Clock } from "../core/ports/clock.ts";
import { decodeTicketBody } from "../protocol/ticket-body.ts";
import { jsonAnswer } from "./answers.ts";
import type { App } from "./app-env.ts";
import { requireApiKey } from "./backend-auth.ts";
import { type BodyLimits, readBodyText } from "./request-body.ts";
import type { ApiAccess } from "./server-api/api-services.ts";
import { issueTicket, PRIVATE_HEADERS, type TicketDesk } from "./ticket-answer.ts";

/** What the backend needs to let its users in. */
export interface TicketServices extends ApiAccess, TicketDesk {
  readonly clock: Clock;
  readonly limits: BodyLimits;
}

/** `POST /v1/tickets`: the backend, which knows its user, gets what lets the user's client in once. */
export function bindTickets(app: App, services: TicketServices): void {
  const { clock, limits } = services;
  app.post("/v1/tickets", async (c) => {
    requireApiKey(c, services);
    const wanted = decodeTicketBody(await readBodyText(c.req.raw, limits, clock));
    const answer = await issueTicket(c, wanted, services);
    return jsonAnswer(JSON.stringify(answer), { clock, headers: PRIVATE_HEADERS });
  });
}
