import { addressBlock } from "../core/address-block.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Logins } from "../core/logins.ts";
import { isLoopback } from "../core/loopback.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Session, Sessions } from "../core/ports/sessions.ts";
import { RatesByKey } from "../core/rates-by-key.ts";
import { decodeLoginBody, decodeSessionBody } from "../protocol/login-body.ts";
import type { WantedTicket } from "../protocol/ticket-body.ts";
import { jsonAnswer } from "./answers.ts";
import type { App } from "./app-env.ts";
import type { RouteContext } from "./backend-auth.ts";
import { forPages, type PageServices } from "./for-pages.ts";
import { checkQuery } from "./known-query.ts";
import { type BodyLimits, readBodyText } from "./request-body.ts";
import { issueTicket, PRIVATE_HEADERS, type TicketDesk } from "./ticket-answer.ts";

/** What mini-programs need to log their users in. */
export interface LoginServices extends TicketDesk, PageServices {
  readonly logins: Logins;
  readonly sessions: Sessions;
  readonly limits: Pick<BodyLimits, "bodyTimeoutMs">;
}

/**
 * `POST /v1/login/{name}` with the code of the platform's login, and `POST /v1/login/session` with what
 * an earlier one gave: both give a ticket, and need no key, since the code or the session says who asks.
 * Pages that may connect may ask, too.
 */
export function bindLogins(app: App, services: LoginServices): void {
  const { logins, sessions, clock } = services;
  const takeTurn = createPace(clock);

  app.use("/v1/login/:name", forPages(["POST"], services));
  app.post("/v1/login/session", async (c) => {
    checkQuery(c, []);
    takeTurn.ofAddress(c.env.remoteAddress);
    const session = await sessions.verify(decodeSessionBody(await bodyOf(c, services)));
    takeTurn.ofUser(session.user);
    return answerWithTicket(c, session, { services });
  });
  app.post("/v1/login/:name", async (c) => {
    checkQuery(c, []);
    const { remoteAddress } = c.env;
    takeTurn.ofAddress(remoteAddress);
    const name = c.req.param("name");
    const code = decodeLoginBody(await bodyOf(c, services));
    const user = await logins.identify(name, code, remoteAddress);
    const session = await sessions.issue(user, name);
    return answerWithTicket(c, session, { services, fields: { session: session.text } });
  });
}

interface Answering {
  readonly services: LoginServices;
  readonly fields?: Readonly<Record<string, string>>;
}

async function answerWithTicket(
  c: RouteContext,
  session: Session,
  { services, fields = {} }: Answering,
): Promise<Response> {
  const { clock } = services;
  const { user, expiresAtMs } = session;
  const session_expires_in = Math.floor((expiresAtMs - clock.nowMs()) / 1000);
  const ticket = await issueTicket(c, wantedFor(session), services);
  const answer = { user, ...fields, session_expires_in, ...ticket };
  return jsonAnswer(JSON.stringify(answer), { clock, headers: PRIVATE_HEADERS });
}

/** Whoever logs in by themselves gets what their bindings grant and no more, and for as long as they are logged in. */
function wantedFor({ user, expiresAtMs }: Session): WantedTicket {
  const claims = { user, channels: [], subs: new Map(), devices: [], expiresAtMs };
  return { claims, ttlMs: LIMITS.ticketTtlMs };
}

function bodyOf(c: RouteContext, { limits, clock }: LoginServices): Promise<string> {
  const { bodyTimeoutMs } = limits;
  return readBodyText(c.req.raw, { bodyTimeoutMs, bodyMaxBytes: LIMITS.loginBodyMaxBytes }, clock);
}

interface Pace {
  ofAddress(address: string): void;
  ofUser(user: string): void;
}

/** Anybody may ask here, so each throws `login_rate_exceeded` for who asks too often. */
function createPace(clock: Clock): Pace {
  const addresses = new RatesByKey({
    rate: { perSecond: LIMITS.loginsPerAddressPerSecond, burst: LIMITS.loginsPerAddressBurst },
    keysMax: LIMITS.addressesRemembered,
  });
  const users = new RatesByKey({
    rate: { perSecond: LIMITS.sessionTicketsPerSecond, burst: LIMITS.sessionTicketsBurst },
    keysMax: LIMITS.addressesRemembered,
  });
  return {
    ofAddress(address) {
      // Behind a proxy on this machine everybody comes from here.
      if (isLoopback(address)) return;
      if (addresses.take(addressBlock(address), clock.monotonicMs())) return;
      throw new Fault("login_rate_exceeded", { detail: "this address asked too often" });
    },
    ofUser(user) {
      if (users.take(user, clock.monotonicMs())) return;
      throw new Fault("login_rate_exceeded", { detail: "this user got too many tickets" });
    },
  };
}
