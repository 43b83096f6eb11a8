import { describe, expect, test } from "bun:test";
import { acceptTickets } from "../../../src/auth/ticket-tokens.ts";
import { createTickets } from "../../../src/auth/tickets.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { TokenClaims, TokenVerifier } from "../../../src/core/ports/tokens.ts";
import { UNCOUNTED } from "../../../src/core/uncounted.ts";
import { systemEntropy } from "../../../src/runtime/entropy.ts";
import { connect, gatewayWorld, login, send, settled } from "../../support/gateway-world.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** A server that knows no tokens, only tickets. */
function world() {
  const late: { tokens?: TokenVerifier } = {};
  const verify: TokenVerifier["verify"] = async (text) => {
    if (late.tokens === undefined) throw new Error("Cannot verify yet");
    return late.tokens.verify(text);
  };
  const it = gatewayWorld({ tokens: { verify }, limits: { pingIntervalMs: 1000 * DAY_MS } });
  const tickets = createTickets({ metrics: UNCOUNTED, clock: it.clock, entropy: systemEntropy });
  late.tokens = acceptTickets(tickets, { current: undefined });
  /** `lastsMs` is what is left of the session that it is made for; a backend's ticket is for none. */
  const ticket = (lastsMs?: number, user = "anna") => {
    const claims: TokenClaims = { user, channels: [], subs: new Map(), devices: [] };
    const expiresAtMs = it.clock.nowMs() + (lastsMs ?? 0);
    return tickets.issue(
      lastsMs === undefined ? claims : { ...claims, expiresAtMs },
      LIMITS.ticketTtlMs,
    );
  };
  async function connected(token: string) {
    const link = connect(it);
    await send(link.handler, { id: 1, connect: { token } });
    return link;
  }
  return { it, ticket, connected };
}

describe("a client that a ticket lets in", () => {
  test("is told of no end, and has none, when the backend made the ticket", async () => {
    const { it, ticket, connected } = world();
    const { socket } = await connected(await ticket());
    expect(socket.replies).toMatchObject([{ id: 1, connect: { client: expect.any(String) } }]);
    expect(socket.frames[0]).not.toMatch(/"expires"|"ttl"/);
    it.clock.advance(30 * DAY_MS);
    await settled();
    expect(socket.closed).toBeUndefined();
  });

  test("is told of no end on /login either", async () => {
    const { it, ticket } = world();
    const { socket } = connect(it, login(await ticket()));
    await settled();
    expect(socket.replies).toMatchObject([{ push: { connect: { client: expect.any(String) } } }]);
    expect(socket.frames[0]).not.toMatch(/"expires"|"ttl"/);
  });

  test("is told of the end of the session that the ticket is made for, and stays by a fresh ticket", async () => {
    const { it, ticket, connected } = world();
    const { socket, handler } = await connected(await ticket(DAY_MS));
    expect(socket.replies).toMatchObject([{ connect: { expires: true, ttl: 24 * 60 * 60 } }]);
    it.clock.advance(DAY_MS - 1000);
    await send(handler, { id: 2, refresh: { token: await ticket(7 * DAY_MS) } });
    expect(socket.replies.at(-1)).toEqual({
      id: 2,
      refresh: { expires: true, ttl: 7 * 24 * 60 * 60 },
    });
    it.clock.advance(DAY_MS);
    await settled();
    expect(socket.closed).toBeUndefined();
    await send(handler, { id: 3, refresh: { token: await ticket() } });
    expect(socket.replies.at(-1)).toEqual({ id: 3, refresh: {} });
  });

  test("ends with the session when no fresh ticket comes", async () => {
    const { it, ticket, connected } = world();
    const { socket } = await connected(await ticket(DAY_MS));
    it.clock.advance(DAY_MS + LIMITS.expiredGraceMs);
    await settled();
    expect(socket.closed).toMatchObject({ code: 3005 });
  });

  test("cannot stay by a ticket that was used, nor by somebody else's", async () => {
    const { ticket, connected } = world();
    const used = await ticket(DAY_MS);
    const first = await connected(used);
    await send(first.handler, { id: 2, refresh: { token: used } });
    expect(first.socket.closed).toMatchObject({ code: 3005 });
    const second = await connected(await ticket(DAY_MS));
    await send(second.handler, { id: 2, refresh: { token: await ticket(DAY_MS, "bob") } });
    expect(second.socket.closed).toMatchObject({ code: 3500 });
  });
});
