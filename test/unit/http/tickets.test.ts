import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { createApiKeys, DEV_API_KEY } from "../../../src/auth/api-keys.ts";
import { createTickets } from "../../../src/auth/tickets.ts";
import { UNCOUNTED } from "../../../src/core/uncounted.ts";
import type { Caller } from "../../../src/http/app-env.ts";
import { toProblem } from "../../../src/http/problem.ts";
import { bindTickets } from "../../../src/http/tickets.ts";
import { systemEntropy } from "../../../src/runtime/entropy.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { LogText } from "../../support/log-text.ts";
import { openPaces } from "../../support/open-paces.ts";

const API_KEY = "backend-key-0123456789";
const CALLER = { remoteAddress: "192.0.2.7" };

function world(publicUrl?: string, scheme?: "https" | "http") {
  const clock = new FakeClock();
  const log = new LogText(clock);
  const tickets = createTickets({ metrics: UNCOUNTED, clock, entropy: systemEntropy });
  const app = new Hono<{ Bindings: Caller }>();
  bindTickets(app, {
    tickets,
    clock,
    apiKeys: createApiKeys([API_KEY]),
    paces: openPaces(),
    localKeys: createApiKeys([DEV_API_KEY]),
    limits: { bodyMaxBytes: 2000, bodyTimeoutMs: 1000 },
    publicUrl: { current: publicUrl },
  });
  app.onError((error) => toProblem(error, clock, log));
  async function ask(body: unknown, headers: Record<string, string> = { "x-api-key": API_KEY }) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const init = { method: "POST", body: text, headers };
    const answer = await app.request("http://shop.local:8077/v1/tickets", init, {
      ...CALLER,
      ...(scheme && { scheme }),
    });
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  }
  return { clock, log, tickets, ask };
}

describe("POST /v1/tickets", () => {
  test("gives the backend what lets its user in once", async () => {
    const { ask, tickets, clock } = world();
    const { status, headers, body } = await ask({ user: "anna", devices: ["kiosk-7"], ttl: 30 });
    expect(status).toBe(200);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(body).toEqual({
      ticket: expect.stringMatching(/^pht_[\w-]{22}$/),
      url: `ws://shop.local:8077/login?ticket=${body.ticket}`,
      expires_in: 30,
      server_time: clock.nowMs(),
    });
    const claims: unknown = await tickets.redeem(body.ticket);
    expect(claims).toMatchObject({ user: "anna", devices: ["kiosk-7"] });
  });

  test.each([
    ["https://push.example.com", "wss://push.example.com/login?ticket="],
    ["https://push.example.com/horn/", "wss://push.example.com/horn/login?ticket="],
    ["http://192.168.1.5:8077", "ws://192.168.1.5:8077/login?ticket="],
  ])("says where to connect for a server at %s", async (publicUrl, start) => {
    const { body } = await world(publicUrl).ask({ user: "anna" });
    expect(body.url).toBe(start + body.ticket);
    expect(body.expires_in).toBe(60);
  });

  test("says wss where a trusted proxy was asked by https, unless there is a public_url", async () => {
    const { body } = await world(undefined, "https").ask({ user: "anna" });
    expect(body.url).toStartWith("wss://shop.local:8077/login?ticket=");
    const named = await world("http://192.168.1.5:8077", "https").ask({ user: "anna" });
    expect(named.body.url).toStartWith("ws://192.168.1.5:8077/");
  });

  test.each([
    ["without a key", {}, "api_key_missing"],
    ["with a wrong one", { "x-api-key": "canary-key" }, "api_key_wrong"],
    ["with the key of development from elsewhere", { "x-api-key": DEV_API_KEY }, "api_key_wrong"],
  ])("refuses whoever comes %s, whatever they ask", async (_, headers, code) => {
    const { ask, log } = world();
    const { status, body } = await ask("no JSON", headers);
    expect([status, body.code]).toEqual([401, code]);
    expect(log.text).not.toContain("canary");
  });

  test("says what is wrong with the question", async () => {
    const { status, body } = await world().ask({ user: "anna", ttl: 3600 });
    expect([status, body.code]).toEqual([400, "ticket_invalid"]);
    expect(body.detail).toStartWith("ttl: ");
  });

  test("keeps tickets out of the log, used ones too", async () => {
    const { ask, tickets, log } = world();
    const { body } = await ask({ user: "anna" });
    await tickets.redeem(body.ticket);
    const error: unknown = await tickets.redeem(body.ticket).catch((it: unknown) => it);
    log.info("client.refused", { why: String(error), error, ticket: body.ticket });
    expect(log.text).toContain("it was used before");
    expect(log.text).not.toContain(body.ticket);
  });
});
