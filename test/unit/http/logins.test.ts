import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Hono } from "hono";
import { createSessionTokens } from "../../../src/auth/session-tokens.ts";
import { createTickets } from "../../../src/auth/tickets.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { createLogins } from "../../../src/core/logins.ts";
import { parseOrigins } from "../../../src/core/origins.ts";
import type { Cancel } from "../../../src/core/ports/clock.ts";
import { UNCOUNTED } from "../../../src/core/uncounted.ts";
import type { Caller } from "../../../src/http/app-env.ts";
import { createConnectionGate } from "../../../src/http/connection-gate.ts";
import { createLifecycle } from "../../../src/http/lifecycle.ts";
import { bindLogins } from "../../../src/http/logins.ts";
import { toProblem } from "../../../src/http/problem.ts";
import { createLoginProvider } from "../../../src/login/providers.ts";
import { systemEntropy } from "../../../src/runtime/entropy.ts";
import { createWebClient } from "../../../src/runtime/web-client.ts";
import { FakeAlipay } from "../../support/fake-alipay.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { FakeDouyin } from "../../support/fake-douyin.ts";
import { FakeWeChat } from "../../support/fake-wechat.ts";
import { eventually } from "../../support/inbox.ts";
import { LogText } from "../../support/log-text.ts";
import { Workspace } from "../../support/workspace.ts";

const ANNA = { openid: "oAnna-4QQ_1mm83trKrCNaof6Gf0" };
const PAGE = "https://h5.example.com";
const DAY_MS = 24 * 60 * 60 * 1000;
const SECRET = "0123456789abcdef0123456789abcdef";

/** A clock on which the pause before another question to a busy platform is over at once. */
class ImpatientClock extends FakeClock {
  override after(delayMs: number, run: () => void): Cancel {
    if (delayMs === LIMITS.loginRetryMs) queueMicrotask(run);
    return super.after(delayMs, delayMs === LIMITS.loginRetryMs ? () => {} : run);
  }
}

let clock: FakeClock;
let wechat: FakeWeChat;
let douyin: FakeDouyin;

beforeEach(() => {
  clock = new ImpatientClock();
  wechat = new FakeWeChat(() => clock.nowMs());
  douyin = new FakeDouyin();
});
afterEach(async () => {
  await wechat[Symbol.asyncDispose]();
  await douyin[Symbol.asyncDispose]();
});

interface WorldOptions {
  readonly offered?: readonly ("wechat" | "douyin" | "alipay")[];
  readonly alipay?: FakeAlipay["settings"];
  readonly secret?: string;
  /** Of logins whose mini-program is not the usual one. */
  readonly appIds?: Readonly<Record<string, string>>;
}

/** The routes of a server, all in development but the platforms. */
function world({
  offered = ["wechat", "douyin"],
  appIds = {},
  alipay = { appId: "", url: "", privateKeyFile: "", alipayPublicKeyFile: "" },
  ...more
}: WorldOptions = {}) {
  const log = new LogText(clock);
  const web = createWebClient(clock);
  const all = {
    wechat: { provider: "wechat", user: "openid", ...wechat.settings, ...more },
    douyin: { provider: "douyin", user: "openid", ...douyin.settings, ...more },
    alipay: { provider: "alipay", user: "openid", ...alipay },
  } as const;
  const logins = offered.map((name) => {
    const provider = createLoginProvider(all[name], { web, clock });
    return [name, { provider, prefix: `${name}-` }] as const;
  });
  const tickets = createTickets({ metrics: UNCOUNTED, clock, entropy: systemEntropy });
  const app = new Hono<{ Bindings: Caller }>();
  const gate = createConnectionGate({
    lifecycle: createLifecycle(),
    clock,
    log,
    gateway: { isFull: () => false, isFullFor: () => false },
    allowedOrigins: { current: parseOrigins([PAGE]) },
    addressRate: { perSecond: 0, burst: 0 },
  });
  bindLogins(app, {
    gate,
    log,
    logins: createLogins({ metrics: UNCOUNTED, logins: new Map(logins), clock }),
    sessions: createSessionTokens({
      secrets: [SECRET],
      appIds: new Map(offered.map((name) => [name, appIds[name] ?? all[name].appId])),
      ttlMs: 7 * DAY_MS,
      clock,
    }),
    tickets,
    publicUrl: { current: "https://push.example.com" },
    clock,
    limits: { bodyTimeoutMs: 1000 },
  });
  app.onError((error) => toProblem(error, clock, log));

  async function ask(
    name: string,
    body: unknown,
    { remoteAddress = "192.0.2.7", headers = {} } = {},
  ) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const init = { method: "POST", body: text, headers };
    const answer = await app.request(`/v1/login/${name}`, init, { remoteAddress });
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  }
  return { app, log, tickets, ask };
}

describe("POST /v1/login/{name}", () => {
  test("logs a user of WeChat in", async () => {
    const { ask, tickets } = world();
    const { status, headers, body } = await ask("wechat", { code: wechat.login(ANNA) });
    expect(status).toBe(200);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(body).toEqual({
      user: `wechat-${ANNA.openid}`,
      session: expect.stringMatching(/^phs_/),
      session_expires_in: 7 * 24 * 60 * 60,
      ticket: expect.stringMatching(/^pht_[\w-]{22}$/),
      url: `wss://push.example.com/login?ticket=${body.ticket}`,
      expires_in: 60,
      server_time: clock.nowMs(),
    });
    expect(await tickets.redeem(body.ticket)).toEqual({
      user: `wechat-${ANNA.openid}`,
      channels: [],
      subs: new Map(),
      devices: [],
      expiresAtMs: clock.nowMs() + 7 * DAY_MS,
    });
  });

  test("logs a user of Douyin in", async () => {
    const { status, body } = await world().ask("douyin", { code: douyin.login({ openid: "d1" }) });
    expect([status, body.user]).toEqual([200, "douyin-d1"]);
  });

  test("logs a user of Alipay in, and keeps nothing else of the answer", async () => {
    await using workspace = await Workspace.make();
    await using alipay = await FakeAlipay.start(workspace, () => clock.nowMs());
    const { ask, log } = world({ alipay: alipay.settings, offered: ["alipay"] });
    const code = alipay.login({ open_id: "a1" });
    const first = await ask("alipay", { code });
    expect([first.status, first.body.user]).toEqual([200, "alipay-a1"]);
    const again = await ask("alipay", { code });
    expect([again.status, again.body.code]).toEqual([401, "login_code_invalid"]);
    alipay.intercept = () => alipay.error("40002", "isv.invalid-signature");
    const stopped = await ask("alipay", { code: "c" });
    expect([stopped.status, stopped.body.code]).toEqual([503, "login_unavailable"]);
    expect(log.text).toContain("logins.alipay: it does not accept private_key for this app");
    const told = JSON.stringify([first.body, again.body, stopped.body]) + log.text;
    const signatures = alipay.calls.map((call) => call["sign"] ?? "");
    const secrets = [code, "canary", "PRIVATE KEY", ...alipay.tokens, ...signatures];
    expect(secrets.length).toBe(8);
    for (const secret of secrets) expect(told).not.toContain(secret);
  });

  test("asks once for a code that comes twice at the same time", async () => {
    const { ask } = world();
    const code = wechat.login(ANNA);
    const answers = await Promise.all([ask("wechat", { code }), ask("wechat", { code })]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(new Set(answers.map(({ body }) => body.ticket)).size).toBe(2);
    expect(wechat.calls).toHaveLength(1);
  });

  test("tries again when WeChat is busy for a moment", async () => {
    wechat.busy = 1;
    expect((await world().ask("wechat", { code: wechat.login(ANNA) })).status).toBe(200);
    expect(wechat.calls).toHaveLength(2);
  });

  test.each([
    [-1, 503, "login_unavailable"],
    [40029, 401, "login_code_invalid"],
    [40163, 401, "login_code_used"],
    [45011, 429, "login_rate_exceeded"],
    [40226, 403, "login_user_blocked"],
    [12345, 502, "login_failed"],
    [40013, 503, "login_unavailable"],
    [40125, 503, "login_unavailable"],
  ])(
    "answers errcode %d with %d %s, and logs what support asks for",
    async (errcode, status, code) => {
      const { ask, log } = world();
      const say = () => wechat.error(errcode, "words of theirs");
      const told = say();
      const rid = /rid: ([\w-]+)/.exec(await told.clone().text())?.[1] ?? "none";
      wechat.intercept = () => {
        wechat.intercept = () => told.clone();
        return told.clone();
      };
      const { status: found, headers, body } = await ask("wechat", { code: "canary-code" });
      expect([found, body.code]).toEqual([status, code]);
      expect(headers.has("retry-after")).toBe(status === 429 || status === 503);
      expect(log.text).toContain(`errcode ${errcode}, rid ${rid}`);
      expect(log.text).not.toContain("canary");
    },
  );

  test("answers a login that is not configured with 404", async () => {
    const { status, body } = await world({ offered: ["wechat"] }).ask("douyin", { code: "c" });
    expect([status, body.code]).toEqual([404, "login_unknown"]);
  });

  test("refuses a body of another form", async () => {
    const { ask } = world();
    const { status, body } = await ask("wechat", { code: "c", user: "admin" });
    expect([status, body.code]).toEqual([400, "login_invalid"]);
    const large = await ask("wechat", { code: "c".repeat(LIMITS.loginBodyMaxBytes) });
    expect([large.status, large.body.code]).toEqual([413, "body_too_large"]);
    expect(wechat.calls).toEqual([]);
  });

  test("counts how often an address tries, and asks nobody for one who tries too often", async () => {
    const { ask } = world();
    for (let tries = 0; tries < LIMITS.loginsPerAddressBurst; tries += 1) {
      await ask("session", "{}", { remoteAddress: `2001:db8::${tries.toString(16)}` });
    }
    const code = wechat.login(ANNA);
    const { status, body } = await ask("wechat", { code }, { remoteAddress: "2001:db8::1:7" });
    expect([status, body.code]).toEqual([429, "login_rate_exceeded"]);
    expect(wechat.calls).toEqual([]);
    expect((await ask("wechat", { code }, { remoteAddress: "192.0.2.8" })).status).toBe(200);
    clock.advance(1000);
    expect((await ask("session", "{}", { remoteAddress: "2001:db8::1:7" })).status).toBe(400);
  });

  test.each(["127.0.0.1", "::1"])(
    "counts nothing for %s: behind a proxy on this machine everybody comes from there",
    async (remoteAddress) => {
      const { ask } = world();
      for (let tries = 0; tries < LIMITS.loginsPerAddressBurst; tries += 1) {
        await ask("session", "{}", { remoteAddress });
      }
      const { session } = (await ask("wechat", { code: wechat.login(ANNA) }, { remoteAddress }))
        .body;
      expect((await ask("session", { session }, { remoteAddress })).status).toBe(200);
    },
  );

  test("lets an address wait for WeChat only so often at a time, and others meanwhile", async () => {
    const { ask } = world();
    const held = Promise.withResolvers<void>();
    const hold = async (real: () => Response) => {
      wechat.intercept = hold;
      await held.promise;
      return real();
    };
    wechat.intercept = hold;
    const someone = () => ({ code: wechat.login(ANNA) });
    const waiting = Array.from({ length: LIMITS.loginsAtATimePerAddress }, () =>
      ask("wechat", someone()),
    );
    await eventually(() => wechat.calls.length === waiting.length || undefined, "the questions");
    const { status, headers, body } = await ask("wechat", someone());
    expect([status, body.code, headers.has("retry-after")]).toEqual([429, "login_busy", true]);
    const other = ask("wechat", someone(), { remoteAddress: "192.0.2.8" });
    held.resolve();
    const statuses = (await Promise.all([...waiting, other])).map((answer) => answer.status);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });
});

describe("POST /v1/login/session", () => {
  test("gives another ticket to who logged in before, without asking the platform", async () => {
    const { ask, tickets } = world();
    const { session } = (await ask("wechat", { code: wechat.login(ANNA) })).body;
    clock.advance(DAY_MS);
    const { status, body } = await ask("session", { session });
    expect(status).toBe(200);
    expect(body).toEqual({
      user: `wechat-${ANNA.openid}`,
      session_expires_in: 6 * 24 * 60 * 60,
      ticket: expect.stringMatching(/^pht_/),
      url: `wss://push.example.com/login?ticket=${body.ticket}`,
      expires_in: 60,
      server_time: clock.nowMs(),
    });
    expect(await tickets.redeem(body.ticket)).toMatchObject({ user: `wechat-${ANNA.openid}` });
    expect(wechat.calls).toHaveLength(1);
  });

  test("does so after a restart", async () => {
    const { session } = (await world().ask("wechat", { code: wechat.login(ANNA) })).body;
    expect((await world().ask("session", { session })).status).toBe(200);
  });

  test.each([
    ["its login is not offered any more", { offered: ["douyin"] }],
    ["its login is for another mini-program now", { appIds: { wechat: "wxOther" } }],
  ] as const)("does not do so when %s", async (_, options) => {
    const { session } = (await world().ask("wechat", { code: wechat.login(ANNA) })).body;
    const { status, body } = await world(options).ask("session", { session });
    expect([status, body.code]).toEqual([401, "session_invalid"]);
  });

  test("does not do so when its time is over", async () => {
    const { session } = (await world().ask("wechat", { code: wechat.login(ANNA) })).body;
    clock.advance(7 * DAY_MS);
    const { status, body } = await world().ask("session", { session });
    expect([status, body.code]).toEqual([401, "session_expired"]);
  });

  test("counts the tickets of one user, whatever the address", async () => {
    const { ask } = world();
    const [anna, bob] = await Promise.all(
      [ANNA, { openid: "oBob" }].map(async (user) => {
        const { body } = await ask("wechat", { code: wechat.login(user) });
        return { session: body.session };
      }),
    );
    const statuses: number[] = [];
    for (let address = 0; address <= LIMITS.sessionTicketsBurst; address += 1) {
      statuses.push((await ask("session", anna, { remoteAddress: `192.0.2.${address}` })).status);
    }
    expect(statuses.filter((status) => status === 200)).toHaveLength(LIMITS.sessionTicketsBurst);
    expect(statuses.at(-1)).toBe(429);
    expect((await ask("session", bob)).status).toBe(200);
    clock.advance(1000);
    expect((await ask("session", anna)).status).toBe(200);
  });

  test("refuses what is no session", async () => {
    const { status, body } = await world().ask("session", { session: "phs_canary" });
    expect([status, body.code]).toEqual([401, "session_invalid"]);
  });
});

test("neither log nor answers hold what lets somebody in elsewhere", async () => {
  const { ask, log } = world();
  const code = wechat.login(ANNA);
  const first = await ask("wechat", { code });
  const { session, ticket } = first.body;
  const answers = [
    await ask("wechat", { code }),
    await ask("wechat", code),
    await ask("wechat", { code: `${code}x` }),
    await ask("session", session),
    await ask("session", { session: `${session}x` }),
    await ask("session", { session, code: 1 }),
    await world({ secret: "canary-secret" }).ask("wechat", { code: wechat.login(ANNA) }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([401, 400, 401, 400, 401, 400, 503]);
  const told = JSON.stringify([first.body, ...answers.map(({ body }) => body)]);
  const outside = [code, wechat.settings.secret, "canary-secret", ...wechat.sessionKeys];
  for (const secret of outside) expect(told).not.toContain(secret);
  for (const secret of [...outside, session, ticket]) expect(log.text).not.toContain(secret);
  expect(log.text).toContain("login_code_used");
  expect(wechat.sessionKeys).toHaveLength(1);
});

describe("a page of another origin", () => {
  test.each(["wechat", "session"])("may ask for %s beforehand if it is listed", async (name) => {
    const { app } = world();
    const headers = {
      origin: PAGE,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type",
    };
    const init = { method: "OPTIONS", headers };
    const answer = await app.request(`/v1/login/${name}`, init, { remoteAddress: "192.0.2.7" });
    expect(answer.status).toBe(204);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "access-control-allow-headers": "content-type",
      "access-control-allow-methods": "POST, OPTIONS",
      "access-control-allow-origin": PAGE,
    });
  });

  test("may log in if it is listed, and read why not", async () => {
    const { ask } = world();
    const headers = { origin: PAGE };
    const loggedIn = await ask("wechat", { code: wechat.login(ANNA) }, { headers });
    const again = await ask("session", { session: loggedIn.body.session }, { headers });
    const refused = await ask("session", {}, { headers });
    expect([loggedIn.status, again.status, refused.status]).toEqual([200, 200, 400]);
    for (const answer of [loggedIn, again, refused]) {
      expect(answer.headers.get("access-control-allow-origin")).toBe(PAGE);
      expect(answer.headers.get("vary")).toBe("origin");
    }
  });

  test("is refused if it is not, before its code is asked about", async () => {
    const { ask } = world();
    const headers = { origin: "https://evil.example.org", host: "push.example.com" };
    const { status, body } = await ask("wechat", { code: wechat.login(ANNA) }, { headers });
    expect([status, body.code]).toEqual([403, "origin_denied"]);
    expect(wechat.calls).toEqual([]);
  });
});
