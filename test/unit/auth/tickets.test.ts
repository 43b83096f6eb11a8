import { beforeEach, describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import { acceptTickets } from "../../../src/auth/ticket-tokens.ts";
import { createTickets, isTicket } from "../../../src/auth/tickets.ts";
import { createTokens } from "../../../src/auth/tokens.ts";
import { parseChannel } from "../../../src/core/channel.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { Tickets } from "../../../src/core/ports/tickets.ts";
import type { TokenClaims } from "../../../src/core/ports/tokens.ts";
import { UNCOUNTED } from "../../../src/core/uncounted.ts";
import { systemEntropy } from "../../../src/runtime/entropy.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { makeJwt } from "../../support/jwt.ts";

const CLAIMS: TokenClaims = {
  user: "anna",
  channels: [parseChannel("news")],
  subs: new Map(),
  devices: [],
};
const USED = { code: "ticket_refused", detail: "it was used before" };
const OVER = { code: "ticket_refused", detail: "it was not used in time" };
const UNKNOWN = { code: "ticket_refused", detail: expect.stringContaining("none of this server") };

let clock: FakeClock;
let tickets: Tickets;

beforeEach(() => {
  clock = new FakeClock();
  tickets = createTickets({ metrics: UNCOUNTED, clock, entropy: systemEntropy });
});

const issue = (ttlMs = 60_000) => tickets.issue(CLAIMS, ttlMs);

describe("a ticket", () => {
  test("has 128 bits of chance, in letters that no phone decodes", async () => {
    const texts = await Promise.all(Array.from({ length: 100 }, () => issue()));
    for (const text of texts) expect(text).toMatch(/^pht_[A-Za-z0-9_-]{22}$/);
    expect(new Set(texts).size).toBe(100);
  });

  test("is good once", async () => {
    const ticket = await issue();
    expect(await tickets.redeem(ticket)).toEqual(CLAIMS);
    await expect(tickets.redeem(ticket)).rejects.toMatchObject(USED);
  });

  test("is good once when many bring it at the same time", async () => {
    const ticket = await issue();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 5 }, () => tickets.redeem(ticket)),
    );
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("is good until its time is over", async () => {
    const [inTime, late] = [await issue(5000), await issue(5000)];
    clock.advance(4999);
    expect(await tickets.redeem(inTime)).toEqual(CLAIMS);
    clock.advance(1);
    await expect(tickets.redeem(late)).rejects.toMatchObject(OVER);
    await expect(tickets.redeem(late)).rejects.toMatchObject(OVER);
  });

  test("is not good for longer than what it lets in to", async () => {
    const ticket = await tickets.issue({ ...CLAIMS, expiresAtMs: clock.nowMs() + 1000 }, 60_000);
    clock.advance(1000);
    await expect(tickets.redeem(ticket)).rejects.toMatchObject(OVER);
  });

  test.each(["pht_", "pht_AAAAAAAAAAAAAAAAAAAAAA", ""])(
    "is refused when nobody made it: %j",
    async (text) => {
      await expect(tickets.redeem(text)).rejects.toMatchObject(UNKNOWN);
    },
  );

  test("of another process is unknown", async () => {
    const ticket = await createTickets({ metrics: UNCOUNTED, clock, entropy: systemEntropy }).issue(
      CLAIMS,
      1000,
    );
    await expect(tickets.redeem(ticket)).rejects.toMatchObject(UNKNOWN);
  });

  test("is nowhere in what refuses it", async () => {
    const ticket = await issue();
    await tickets.redeem(ticket);
    const error: unknown = await tickets.redeem(ticket).catch((it: unknown) => it);
    expect(inspect(error, { depth: 9 })).not.toContain(ticket.slice(4));
  });
});

describe("the tickets of a server", () => {
  test("have a bound, and time makes room", async () => {
    for (let made = 0; made < LIMITS.ticketsMax; made += 1) await issue();
    await expect(issue()).rejects.toMatchObject({ code: "tickets_full" });
    clock.advance(60_000);
    expect(isTicket(await issue())).toBeTrue();
  });

  test("make room when they are used", async () => {
    const ticket = await issue();
    for (let made = 1; made < LIMITS.ticketsMax; made += 1) await issue();
    await tickets.redeem(ticket);
    expect(isTicket(await issue())).toBeTrue();
  });

  test("are told apart after their end as long as there are not too many", async () => {
    const [first, second] = [await issue(1000), await issue(60_000)];
    clock.advance(1000);
    await issue(1);
    await expect(tickets.redeem(first)).rejects.toMatchObject(OVER);
    await tickets.redeem(second);
    for (let made = 0; made < LIMITS.ticketsRemembered; made += 1) {
      await tickets.redeem(await issue());
    }
    await expect(tickets.redeem(second)).rejects.toMatchObject(UNKNOWN);
  });
});

describe("acceptTickets()", () => {
  const secret = "0123456789abcdef0123456789abcdef";
  const token = makeJwt({ claims: { sub: "bob" }, key: secret });

  test("takes a ticket and a token in the same place", async () => {
    const verifier = acceptTickets(tickets, { current: createTokens({ secret, clock }) });
    expect(await verifier.verify(await issue())).toEqual(CLAIMS);
    expect(await verifier.verify(token)).toMatchObject({ user: "bob" });
  });

  test("says of a used ticket that it is one", async () => {
    const verifier = acceptTickets(tickets, { current: createTokens({ secret, clock }) });
    const ticket = await issue();
    await verifier.verify(ticket);
    await expect(verifier.verify(ticket)).rejects.toMatchObject(USED);
  });

  test("takes tickets where no key for tokens is configured", async () => {
    const verifier = acceptTickets(tickets, { current: undefined });
    expect(await verifier.verify(await issue())).toEqual(CLAIMS);
    const refused = { code: "token_invalid", detail: "this server has no key to check it with" };
    await expect(verifier.verify(token)).rejects.toMatchObject(refused);
    const target = { channel: parseChannel("news"), user: "bob", client: "c" };
    await expect(verifier.verifySubscription(token, target)).rejects.toMatchObject(refused);
  });

  test("takes no ticket for a subscription token", async () => {
    const verifier = acceptTickets(tickets, { current: createTokens({ secret, clock }) });
    const target = { channel: parseChannel("news"), user: "anna", client: "c" };
    await expect(verifier.verifySubscription(await issue(), target)).rejects.toMatchObject({
      code: "token_invalid",
    });
  });
});
