import { describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { createApiKeys } from "../../../src/auth/api-keys.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { OutboxEntry } from "../../../src/core/ports/outbox.ts";
import type { Caller } from "../../../src/http/app-env.ts";
import { toProblem } from "../../../src/http/problem.ts";
import { bindWebhooks } from "../../../src/http/webhooks.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryOutbox } from "../../support/memory-outbox.ts";
import { openPaces } from "../../support/open-paces.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const API_KEY = "backend-key-0123456789";
const NOW = Date.UTC(2026, 0, 1);
const WHY = "answered with status 500";

/** The routes over an outbox in memory; `shop` and `bank` are configured, `gone` is not any more. */
function world(rowsMax = 1_000) {
  const clock = new FakeClock(NOW);
  const log = new RecordingLog();
  const bounds = { rowsMax, maxBytes: 1_000_000, deadLettersMax: 1_000, orderedFailures: 5 };
  const outbox = new MemoryOutbox(clock, bounds);
  const enabled: string[] = [];
  const disabled = new Map<string, string>();
  const app = new Hono<{ Bindings: Caller }>();
  bindWebhooks(app, {
    endpoints: {
      current: [
        { name: "shop", url: "https://user:canary@shop.example/in/?key=canary#x", events: ["*"] },
        { name: "bank", url: "http://127.0.0.1:3000", events: ["device.*"] },
      ],
    },
    outbox,
    dispatcher: {
      whyDisabled: (endpoint) => disabled.get(endpoint),
      enable: (endpoint) => void enabled.push(endpoint),
    },
    clock,
    log,
    apiKeys: createApiKeys([API_KEY]),
    paces: openPaces(),
    limits: { bodyMaxBytes: 100_000, bodyTimeoutMs: 1_000 },
  });
  app.onError((error) => toProblem(error, clock, log));

  async function ask(request: string, body?: unknown, key = API_KEY) {
    const [method = "GET", path = "/"] = request.split(" ");
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const caller = { remoteAddress: "192.0.2.7", holdOpen: () => () => {} };
    const headers = { "x-api-key": key };
    const init = { method, headers, ...(text !== undefined && { body: text }) };
    const answer = await app.request(path, init, caller);
    const answered = await answer.text();
    return { status: answer.status, text: answered, json: JSON.parse(answered) };
  }
  const replay = (body: unknown) => ask("POST /v1/webhooks/dead/replay", body);
  const add = (endpoint: string, ...ids: readonly string[]) =>
    outbox.add(ids.map((id) => entry(endpoint, id)));
  async function kill(endpoint: string, ...ids: readonly string[]): Promise<void> {
    await add(endpoint, ...ids);
    for (const id of ids) await outbox.bury({ endpoint, id }, { atMs: clock.nowMs(), why: WHY });
  }
  return { clock, log, outbox, enabled, disabled, ask, replay, add, kill };
}

function entry(endpoint: string, id: string): OutboxEntry {
  const body = '{"type":"device.online","data":{"n":1.0,"big":12345678901234567890}}';
  return { endpoint, id, type: "device.online", orderKey: "door", body, createdAtMs: NOW - 1 };
}

describe("GET /v1/webhooks", () => {
  test("tells of each webhook, without what may be secret", async () => {
    const { ask, add, kill, disabled } = world();
    await kill("shop", "1", "2");
    await add("shop", "3");
    disabled.set("bank", "answered with status 410");
    const { status, text, json } = await ask("GET /v1/webhooks");
    expect(status).toBe(200);
    expect(json).toEqual({
      webhooks: [
        {
          name: "shop",
          url: "https://shop.example/in/",
          events: ["*"],
          disabled: false,
          waiting: 1,
          dead: 2,
        },
        {
          name: "bank",
          url: "http://127.0.0.1:3000/",
          events: ["device.*"],
          disabled: true,
          why: "answered with status 410",
          waiting: 0,
          dead: 0,
        },
      ],
      server_time: NOW,
    });
    expect(text).not.toContain("canary");
  });
});

describe("GET /v1/webhooks/dead", () => {
  test("tells what died, when and why, with the body as it was posted", async () => {
    const { ask, kill } = world();
    await kill("shop", "e1");
    const { text, json } = await ask("GET /v1/webhooks/dead");
    expect(json.server_time).toBe(NOW);
    expect(json.dead).toEqual([
      {
        endpoint: "shop",
        id: "e1",
        type: "device.online",
        device: "door",
        created_at: NOW - 1,
        died_at: NOW,
        attempts: 1,
        why: WHY,
        body: JSON.parse(entry("shop", "e1").body),
      },
    ]);
    expect(text).toContain(`"body":${entry("shop", "e1").body}}`);
  });

  test("gives pages that lead to each other, also while letters go", async () => {
    const { ask, kill, outbox, clock } = world();
    await kill("shop", "b", "a");
    clock.advance(1);
    await kill("shop", "1", "é/取");
    await kill("gone", "x");
    const pages: string[] = [];
    for (let next = ""; ; ) {
      const { json } = await ask(`GET /v1/webhooks/dead?limit=2&after=${next}`);
      pages.push(json.dead.map(({ endpoint, id }: OutboxEntry) => `${endpoint} ${id}`).join());
      if (json.next === undefined) break;
      await outbox.replay(json.dead[1]);
      next = json.next;
    }
    expect(pages).toEqual(["gone x,shop a", "shop b,shop 1", "shop é/取"]);
  });

  test("tells of one endpoint", async () => {
    const { ask, kill } = world();
    await kill("shop", "1");
    await kill("bank", "2");
    const { json } = await ask("GET /v1/webhooks/dead?endpoint=bank");
    expect(json.dead).toMatchObject([{ endpoint: "bank", id: "2" }]);
  });

  test.each([
    [
      "endpoint=shpo",
      "404 webhook_unknown",
      '"shpo" is not in the configuration, which has the webhooks "shop", "bank"',
    ],
    ["endpiont=shop", "400 query_invalid", '"endpiont" is unknown, known are endpoint, after'],
    ["limit=0", "400 query_invalid", "limit is"],
    ["after=x", "400 query_invalid", 'after is "x", wanted a value of next'],
    ["after=WzEsMiwzXQ", "400 query_invalid", "wanted a value of next"],
    [`after=${btoa('[1,"\\u0000","a"]')}`, "400 query_invalid", "wanted a value of next"],
  ])("refuses %s with %s", async (query, refusal, detail) => {
    const answer = await world().ask(`GET /v1/webhooks/dead?${query}`);
    expect(`${answer.status} ${answer.json.code}`).toBe(refusal);
    expect(answer.json.detail).toContain(detail);
  });
});

describe("POST /v1/webhooks/dead/replay", () => {
  test("lets one dead letter be delivered after all, and asks its webhook again", async () => {
    const { replay, kill, outbox, enabled, log } = world();
    await kill("shop", "1", "2");
    const { status, json } = await replay({ endpoint: "shop", id: "1" });
    expect([status, json]).toEqual([
      200,
      { endpoint: "shop", replayed: 1, more: false, server_time: NOW },
    ]);
    expect(await outbox.outboxCounts("shop")).toMatchObject({ waiting: 1, dead: 1 });
    expect(enabled).toEqual(["shop"]);
    expect(log.of("webhook.replayed")).toEqual([{ endpoint: "shop", replayed: 1, more: false }]);
  });

  test("lets all of a webhook be delivered, so many at a time", async () => {
    const { replay, kill, outbox } = world();
    const ids = Array.from({ length: LIMITS.deadLettersPerPage + 1 }, (_, index) => `e${index}`);
    await kill("shop", ...ids);
    await kill("bank", "1");
    const most = LIMITS.deadLettersPerPage;
    expect((await replay({ endpoint: "shop" })).json).toMatchObject({ replayed: most, more: true });
    expect((await replay({ endpoint: "shop" })).json).toMatchObject({ replayed: 1, more: false });
    expect((await replay({ endpoint: "shop" })).json).toMatchObject({ replayed: 0, more: false });
    expect(await outbox.outboxCounts("bank")).toMatchObject({ waiting: 0, dead: 1 });
  });

  test("tells who leaves out the webhook which there are", async () => {
    const { status, json } = await world().replay({});
    expect([status, json.code]).toEqual([400, "replay_invalid"]);
    expect(json.detail).toMatch(/endpoint.*; the configuration has the webhooks "shop", "bank"$/);
  });

  test("asks a webhook again of which nothing has died yet", async () => {
    const { replay, enabled } = world();
    expect((await replay({ endpoint: "bank" })).status).toBe(200);
    expect(enabled).toEqual(["bank"]);
  });

  test("stops where no more events may wait", async () => {
    const { replay, kill, add, outbox } = world(3);
    await kill("shop", "1", "2", "3");
    await add("shop", "4");
    expect((await replay({ endpoint: "shop" })).json).toMatchObject({ replayed: 2, more: true });
    for (const body of [{ endpoint: "shop" }, { endpoint: "shop", id: "3" }]) {
      const { status, json } = await replay(body);
      expect([status, json.code]).toEqual([429, "outbox_full"]);
    }
    expect(await outbox.outboxCounts("shop")).toMatchObject({ waiting: 3, dead: 1 });
  });

  test.each([
    [{ endpoint: "shop", id: "9" }, "404 dead_letter_unknown", '"shop" has none with this id'],
    [{ endpoint: "shop", id: "alive" }, "404 dead_letter_unknown", "none with this id"],
    [{ endpoint: "gone" }, "404 webhook_unknown", '"gone"'],
    [{}, "400 replay_invalid", "endpoint: "],
    [{ endpoint: "shop", idd: "1" }, "400 replay_invalid", '"idd"'],
    [{ endpoint: "shop", id: "a\u0000" }, "400 replay_invalid", "id: "],
    ["{", "400 body_malformed", "it is not JSON"],
  ])("refuses %j with %s", async (body, refusal, detail) => {
    const { replay, add, enabled } = world();
    await add("shop", "alive");
    const answer = await replay(body);
    expect(`${answer.status} ${answer.json.code}`).toBe(refusal);
    expect(answer.json.detail).toContain(detail);
    expect(enabled).toEqual([]);
  });
});

test.each(["GET /v1/webhooks", "GET /v1/webhooks/dead", "POST /v1/webhooks/dead/replay"])(
  "%s is for the backend only",
  async (request) => {
    const body = request.startsWith("POST") ? { endpoint: "shop" } : undefined;
    const { status, json } = await world().ask(request, body, "wrong");
    expect([status, json.code]).toEqual([401, "api_key_wrong"]);
  },
);
