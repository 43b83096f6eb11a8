import { describe, expect, test } from "bun:test";
import type {
  CommandError,
  DeviceEvent,
  DeviceState,
  PosthornOptions,
} from "../../../src/sdk/posthorn.d.ts";
import { App, builtSdk } from "../../support/fake-wx/app.ts";
import type { PhoneOptions } from "../../support/fake-wx/phone.ts";
import { eventually, Inbox } from "../../support/inbox.ts";
import { ScriptedServer } from "./scripted-server.ts";

const { miniprogram } = await builtSdk();

/** Longer than any pause before a first new attempt. */
const RETRY_MS = 1_500;

function appOf(
  server: ScriptedServer,
  options: Partial<PosthornOptions> = {},
  phone: PhoneOptions = {},
): App {
  return new App(miniprogram, { url: server.url, ...options }, phone);
}

/** A server that is no Posthorn. */
function refusingServer(): { readonly url: string } & Disposable {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response("no", { status: 403 }),
  });
  return {
    url: `ws://127.0.0.1:${server.port}`,
    [Symbol.dispose]: () => void server.stop(true),
  };
}

/** The code with which a command fails. */
function codeOf(answer: Promise<unknown>): Promise<string> {
  return answer.then(
    () => "an answer",
    ({ code }: CommandError) => code,
  );
}

/** Lets everything run that waits for nothing but its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

const subscribes = (command: { readonly subscribe?: unknown }) => command.subscribe !== undefined;
const connects = (command: { readonly connect?: unknown }) => command.connect !== undefined;

describe("the mini-program SDK: connecting", () => {
  test("createPosthorn() shows a ticket, connects and tells its status", async () => {
    using server = new ScriptedServer();
    using app = appOf(server, { getTicket: () => "ticket-1" });
    expect(app.posthorn.status).toEqual({ state: "connecting" });
    await app.next("connected");
    const peer = await server.peer(1);
    const { connect } = await peer.command(connects, "the connect command");
    expect(connect).toMatchObject({ token: "ticket-1", name: "posthorn-wx" });
    expect(app.phone.complaints).toEqual([]);
    expect(app.phone.errors).toEqual([]);
  });

  test("createPosthorn() gives the one connection there is to the same address", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    expect(app.sdk.createPosthorn({ url: server.url })).toBe(app.posthorn);
    expect(app.sdk.createPosthorn({ url: `${server.url}/connection/websocket` })).toBe(
      app.posthorn,
    );
    expect(app.phone.connects).toBe(1);
    app.posthorn.close();
    expect(app.sdk.createPosthorn({ url: server.url })).not.toBe(app.posthorn);
  });

  test("createPosthorn() refuses a url that is none, and says what it wants", () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    expect(() => app.sdk.createPosthorn({ url: "push" })).toThrow(
      "Cannot use url push: it must look like wss://push.example.com",
    );
  });

  test.each(["push/login?ticket=secret", "wss://?ticket=secret", "push#secret"])(
    "createPosthorn() does not tell what may be a ticket in %s",
    (url) => {
      using server = new ScriptedServer();
      using app = appOf(server);
      const open = () => app.sdk.createPosthorn({ url });
      expect(open).toThrow(/^Cannot use url [^?#]+: it must look like/);
      expect(open).not.toThrow(/secret/);
    },
  );

  test("an opening that the platform never tells of is found out by sending", async () => {
    using server = new ScriptedServer();
    using app = appOf(server, {}, { losesOpen: true });
    const peer = await server.peer(1);
    await eventually(() => app.phone.tasks[0]?.state === "open" || undefined, "the open socket");
    app.phone.clock.advance(2_000);
    await peer.command(connects, "the connect command");
    await app.next("connected");
    expect(app.phone.connects).toBe(1);
  });

  test("the first message counts as the opening", async () => {
    using server = new ScriptedServer();
    server.script.hello = "{}";
    using app = appOf(server, {}, { losesOpen: true });
    await app.next("connected");
    expect(app.phone.clock.nowMs).toBe(Date.UTC(2026, 0, 1));
  });

  test("a handshake that is refused is explained and tried again", async () => {
    using refusing = refusingServer();
    using app = new App(miniprogram, { url: refusing.url });
    const { problem } = await app.statuses.find(({ problem }) => problem !== undefined, {
      what: "a status with a problem",
    });
    expect(problem).toMatchObject({
      cause: "handshake_refused",
      text: "exception onOpen fail code:20, msg:Invalid HTTP status.",
    });
    await eventually(() => app.phone.sockets === 0 || undefined, "the end of the socket");
    app.phone.clock.advance(RETRY_MS);
    await turn();
    expect(app.phone.connects).toBe(2);
  });

  test("a host that is not in the console's list is explained", async () => {
    using server = new ScriptedServer();
    using app = appOf(server, {}, { domains: ["wss://push.example.com"] });
    await turn();
    app.phone.clock.advance(0);
    const { problem } = await app.statuses.find(({ problem }) => problem !== undefined, {
      what: "a status with a problem",
    });
    expect(problem?.cause).toBe("domain_not_listed");
    expect(problem?.remedy).toContain("mp.weixin.qq.com");
  });

  test("an app that uses up the platform's sockets itself is told so", async () => {
    using server = new ScriptedServer();
    using app = appOf(server, {}, { socketsMax: 0 });
    await turn();
    app.phone.clock.advance(0);
    const { problem } = await app.statuses.find(({ problem }) => problem !== undefined, {
      what: "a status with a problem",
    });
    expect(problem?.cause).toBe("too_many_sockets");
  });
});

describe("the mini-program SDK: tickets", () => {
  test("each connection gets a ticket of its own", async () => {
    using server = new ScriptedServer();
    let asked = 0;
    using app = appOf(server, { getTicket: async () => `ticket-${++asked}` });
    await app.next("connected");
    (await server.peer(1)).cut();
    await app.next("connecting");
    app.phone.clock.advance(RETRY_MS);
    await app.next("connected");
    const { connect } = await (await server.peer(2)).command(connects, "the second connect");
    expect(connect?.token).toBe("ticket-2");
  });

  test("a token is kept for the connections to come", async () => {
    using server = new ScriptedServer();
    let asked = 0;
    using app = appOf(server, { getTicket: () => `head.body.${++asked}` });
    await app.next("connected");
    (await server.peer(1)).cut();
    await app.next("connecting");
    app.phone.clock.advance(RETRY_MS);
    await app.next("connected");
    expect(asked).toBe(1);
  });

  test("a token that has expired is replaced by a new one", async () => {
    using server = new ScriptedServer();
    const { connect } = server.script;
    server.script.connect = (token) =>
      token === "a.b.1" ? { error: { code: 109, message: "token expired" } } : connect(token);
    let asked = 0;
    using app = appOf(server, { getTicket: () => `a.b.${++asked}` });
    await app.statuses.find(({ problem }) => problem?.cause === "token_expired", {
      what: "the expired token",
    });
    app.phone.clock.advance(RETRY_MS);
    await app.next("connected");
    expect(asked).toBe(2);
  });

  test("4001 makes it ask for a new ticket", async () => {
    using server = new ScriptedServer();
    const { connect } = server.script;
    server.script.connect = (token) =>
      token === "ticket-1" ? { close: [4001, "ticket used"] } : connect(token);
    let asked = 0;
    using app = appOf(server, { getTicket: () => `ticket-${++asked}` });
    await app.statuses.find(({ problem }) => problem?.cause === "ticket_refused", {
      what: "the refused ticket",
    });
    app.phone.clock.advance(RETRY_MS);
    await app.next("connected");
    expect(asked).toBe(2);
  });

  test("tickets that are refused again and again are not fetched for ever", async () => {
    using server = new ScriptedServer();
    server.script.connect = () => ({ close: [4001, "ticket expired"] });
    let asked = 0;
    using app = appOf(server, { getTicket: () => `ticket-${++asked}` });
    for (let refused = 1; refused <= 3; refused += 1) {
      await eventually(() => app.failures === refused || undefined, `refusal ${refused}`);
      await eventually(() => app.phone.sockets === 0 || undefined, "the end of the socket");
      app.phone.clock.advance(10_000);
    }
    const { problem } = await app.next("stopped");
    expect(problem?.cause).toBe("ticket_refused");
    expect(asked).toBe(3);
  });

  test("a ticket that is answered with an error counts as refused too", async () => {
    using server = new ScriptedServer();
    server.script.connect = () => ({ error: { code: 109, message: "token expired" } });
    let asked = 0;
    using app = appOf(server, { getTicket: () => `ticket-${++asked}` });
    for (let refused = 1; refused <= 3; refused += 1) {
      await eventually(() => app.failures === refused || undefined, `refusal ${refused}`);
      await eventually(() => app.phone.sockets === 0 || undefined, "the end of the socket");
      app.phone.clock.advance(10_000);
    }
    expect((await app.next("stopped")).problem?.cause).toBe("ticket_refused");
  });

  test("a kept token that is suddenly invalid is replaced once, a new one is not", async () => {
    using server = new ScriptedServer();
    const { connect } = server.script;
    let asked = 0;
    using app = appOf(server, { getTicket: () => `a.b.${++asked}` });
    await app.next("connected");
    server.script.connect = (token) =>
      token === "a.b.1" ? { close: [3500, "invalid token"] } : connect(token);
    (await server.peer(1)).cut();
    await app.next("connecting");
    app.phone.clock.advance(RETRY_MS);
    await app.next("connected");
    server.script.connect = () => ({ close: [3500, "invalid token"] });
    (await server.peer(3)).cut();
    await app.next("connecting");
    app.phone.clock.advance(RETRY_MS);
    const { problem } = await app.next("stopped");
    expect(problem?.cause).toBe("token_invalid");
    expect(asked).toBe(3);
  });

  test("null from getTicket stops it until connect() is called", async () => {
    using server = new ScriptedServer();
    let ticket: string | null = null;
    using app = appOf(server, { getTicket: () => ticket });
    const { problem } = await app.next("stopped");
    expect(problem?.cause).toBe("signed_out");
    app.phone.clock.advance(60_000);
    expect(app.phone.connects).toBe(0);
    ticket = "ticket-1";
    app.posthorn.connect();
    await app.next("connected");
  });

  test("a getTicket that fails is asked again later", async () => {
    using server = new ScriptedServer();
    let asked = 0;
    const getTicket = async () => {
      asked += 1;
      if (asked === 1) throw new Error("request:fail");
      return "ticket";
    };
    using app = appOf(server, { getTicket });
    await app.statuses.find(({ problem }) => problem?.cause === "ticket_failed", {
      what: "the failed ticket",
    });
    app.phone.clock.advance(RETRY_MS);
    await app.next("connected");
    expect(asked).toBe(2);
  });

  test.each([
    [new Error("login_code_used: once"), "login_code_used: once"],
    [{ errMsg: "login:fail timeout", errno: 5 }, "login:fail timeout"],
    [{ error: 4, errorMessage: "no access" }, "no access"],
    [{ status: 401, data: "secret" }, "an object with status,data"],
    ["no", "no"],
    [undefined, "undefined"],
  ])("what getTicket fails with is told in its words: %p", async (reason, text) => {
    using server = new ScriptedServer();
    using app = appOf(server, { getTicket: () => Promise.reject(reason) });
    const { problem } = await app.statuses.find((it) => it.problem !== undefined, {
      what: "a status with a problem",
    });
    expect(problem).toMatchObject({ cause: "ticket_failed", text });
  });

  test.each([
    [undefined, "undefined", ""],
    ["", "an empty text", ""],
    [7, "a number", ""],
    [{ status: 401 }, "an object", ""],
    [{ ticket: "ticket-1" }, "an object", "Return the member ticket of that object: "],
  ])("%p from getTicket is a failure that is named, and it is asked again", async (...row) => {
    const [given, name, hint] = row;
    using server = new ScriptedServer();
    let ticket: unknown = given;
    using app = appOf(server, { getTicket: () => ticket as string });
    const { problem, state } = await app.statuses.find((it) => it.problem !== undefined, {
      what: "a status with a problem",
    });
    expect(state).toBe("connecting");
    expect(problem).toEqual({
      cause: "ticket_failed",
      text: `getTicket returned ${name}, wanted the ticket's text`,
      remedy: `${hint}getTicket must return the ticket's text, or null when nobody is signed in`,
    });
    ticket = "ticket-2";
    app.phone.clock.advance(RETRY_MS);
    await app.next("connected");
    const { connect } = await (await server.peer(1)).command(connects, "the connect command");
    expect(connect?.token).toBe("ticket-2");
  });
});

describe("the mini-program SDK: closes", () => {
  test("4500 stops it: the newer connection is not fought", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    (await server.peer(1)).close(4500, "replaced");
    const { problem } = await app.next("stopped");
    expect(problem).toMatchObject({ cause: "replaced", code: 4500 });
    app.phone.clock.advance(10 * 60_000);
    expect(app.phone.connects).toBe(1);
  });

  test("4002 keeps it away for as long as the server wants, also when the app is shown", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    const reason = { reason: "draining", reconnect: true, retry_after_ms: 20_000 };
    (await server.peer(1)).close(4002, JSON.stringify(reason));
    const { problem } = await app.next("connecting");
    expect(problem?.cause).toBe("draining");
    app.phone.clock.advance(10_000);
    app.phone.hide();
    app.phone.show();
    await turn();
    app.phone.clock.advance(9_000);
    expect(app.phone.connects).toBe(1);
    app.phone.clock.advance(1_000);
    await app.next("connected");
  });

  test("a reason in JSON without advice to return does not keep it away", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    (await server.peer(1)).close(4002, '{"retry_after_ms":100}');
    await app.next("connecting");
    app.phone.clock.advance(RETRY_MS);
    await app.next("connected");
  });

  test("1000 interrupted, in an app that nobody hid, resumes", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    (await server.peer(1)).close(1000, "interrupted");
    await app.next("connecting");
    app.phone.clock.advance(RETRY_MS);
    await app.next("connected");
  });

  test("pauses grow while the server cannot be reached", async () => {
    using refusing = refusingServer();
    using app = new App(miniprogram, { url: refusing.url });
    const pausesMs: number[] = [];
    for (let tries = 1; tries <= 8; tries += 1) {
      await eventually(
        () => (app.failures === tries && app.phone.sockets === 0) || undefined,
        "it",
      );
      const failedAtMs = app.phone.clock.nowMs;
      for (let steps = 0; app.phone.connects === tries && steps < 1_000; steps += 1) {
        app.phone.clock.advance(50);
        await turn();
      }
      pausesMs.push(app.phone.clock.nowMs - failedAtMs);
    }
    expect(Math.min(...pausesMs)).toBeGreaterThanOrEqual(500);
    expect(Math.max(...pausesMs)).toBeLessThanOrEqual(20_050);
    // Eight pauses that do not grow would be 8 s at most.
    expect(pausesMs.reduce((sum, ms) => sum + ms)).toBeGreaterThan(10_000);
  });

  test("no new socket is opened before the last one is closed", async () => {
    using server = new ScriptedServer();
    using app = appOf(server, {}, { closeDelayMs: 1_500 });
    await app.next("connected");
    app.phone.changeNetwork("4g");
    await turn();
    expect(app.phone.connects).toBe(1);
    app.phone.clock.advance(1_500);
    await app.next("connected");
    expect(app.phone.connects).toBe(2);
  });

  test("a platform that never tells of a close is not waited for forever", async () => {
    using server = new ScriptedServer();
    using app = appOf(server, {}, { closeDelayMs: 3_600_000 });
    await app.next("connected");
    app.phone.changeNetwork("4g");
    await turn();
    app.phone.clock.advance(2_000);
    await app.next("connected");
  });

  test("a socket that would not be closed before its opening is closed after it", async () => {
    using server = new ScriptedServer();
    using app = appOf(server, {}, { ignoresEarlyClose: true });
    // Only promises are waited for here, so the network has had no time to open it.
    for (let turns = 0; turns < 50 && app.phone.connects === 0; turns += 1) await null;
    expect(app.phone.tasks[0]?.state).toBe("connecting");
    app.posthorn.close();
    expect((await (await server.peer(1)).closed.promise).code).toBe(1000);
  });

  test("close() ends the socket, tells it, and leaves no timer behind", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    app.posthorn.close();
    expect(app.posthorn.status.state).toBe("closed");
    expect((await (await server.peer(1)).closed.promise).code).toBe(1000);
    await turn();
    app.phone.clock.advance(5_000);
    expect(app.phone.clock.appTimers).toBe(0);
  });
});

describe("the mini-program SDK: background", () => {
  test("a hidden app closes its socket before it is cut, and resumes at once when it is shown", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    app.phone.hide();
    app.phone.clock.advance(4_000);
    await app.next("paused");
    expect((await (await server.peer(1)).closed.promise).code).toBe(1000);
    app.phone.clock.advance(60_000);
    expect(app.phone.connects).toBe(1);
    const shownAtMs = app.phone.clock.nowMs;
    app.phone.show();
    await app.next("connected");
    expect(app.phone.clock.nowMs).toBe(shownAtMs);
  });

  test("a glance at another app costs nothing", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    app.phone.hide();
    app.phone.clock.advance(3_000);
    app.phone.show();
    app.phone.clock.advance(3_000);
    await turn();
    expect(app.posthorn.status.state).toBe("connected");
    expect(app.phone.connects).toBe(1);
  });

  test.each([
    { system: "android", forgetsInterrupted: false },
    { system: "ios", forgetsInterrupted: true },
  ] as const)(
    "a socket that was cut is replaced when the app is shown ($system)",
    async (phone) => {
      using server = new ScriptedServer();
      using app = appOf(server, { background: "keep" }, phone);
      await app.next("connected");
      app.phone.hide();
      app.phone.clock.advance(29 * 60_000);
      expect(app.phone.state).toBe("suspended");
      app.phone.show();
      await app.next("connected");
      expect(app.phone.connects).toBe(2);
    },
  );

  test("a freeze too short for the clock to show costs no pause either", async () => {
    using server = new ScriptedServer();
    using app = appOf(server, { background: "keep" });
    await app.next("connected");
    app.phone.hide();
    app.phone.clock.advance(5_500);
    const shownAtMs = app.phone.clock.nowMs;
    app.phone.show();
    await app.next("connecting");
    await app.next("connected");
    expect(app.phone.clock.nowMs).toBe(shownAtMs);
  });

  test("what was missed in the background is replayed, once and in order", async () => {
    using server = new ScriptedServer();
    const events = new Inbox<DeviceEvent>();
    using app = appOf(server);
    app.posthorn.device("7").on("event", (event) => events.push(event));
    const first = await server.peer(1);
    await first.command(subscribes, "the subscription");
    first.publish("device:7", { type: "reading", data: 1 }, 1);
    await events.find(({ data }) => data === 1, { what: "the first event" });
    app.phone.hide();
    app.phone.clock.advance(6_000);
    server.script.subscribe = () => ({
      subscribe: {
        recoverable: true,
        epoch: "e",
        offset: 1,
        recovered: true,
        was_recovering: true,
        publications: [2, 3].map((data) => ({ data: { type: "reading", data }, offset: data })),
      },
    });
    app.phone.show();
    const { subscribe } = await (await server.peer(2)).command(subscribes, "the subscription");
    expect(subscribe).toMatchObject({ recover: true, offset: 1, epoch: "e" });
    await events.find(({ data }) => data === 3, { what: "the last event" });
    expect(events.items.map(({ data }) => data)).toEqual([1, 2, 3]);
  });

  test("a history that is shorter than the pause is told as a gap", async () => {
    using server = new ScriptedServer();
    const gaps = new Inbox<string>();
    using app = appOf(server);
    app.posthorn.device("7").on("gap", () => gaps.push("gap"));
    await (await server.peer(1)).command(subscribes, "the subscription");
    await app.next("connected");
    server.script.subscribe = () => ({
      subscribe: { recoverable: true, epoch: "e", offset: 900, was_recovering: true },
    });
    app.phone.hide();
    app.phone.clock.advance(60_000);
    app.phone.show();
    await gaps.find(() => true, { what: "the gap" });
    expect(gaps.items).toEqual(["gap"]);
  });

  test("an app that was destroyed starts anew", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    app.phone.hide();
    app.phone.clock.advance(31 * 60_000);
    expect(app.phone.state).toBe("destroyed");
    const { createPosthorn } = app.phone.launch<typeof app.sdk>(miniprogram);
    createPosthorn({ url: server.url });
    await (await server.peer(2)).command(connects, "the connect command");
  });
});

describe("the mini-program SDK: networks", () => {
  test("a change of the network replaces the socket at once", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    app.phone.changeNetwork("4g");
    await app.next("connected");
    expect(app.phone.connects).toBe(2);
    expect(app.phone.clock.nowMs).toBe(Date.UTC(2026, 0, 1));
  });

  test("nothing is tried without a network, and at once when there is one again", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    app.phone.changeNetwork("none");
    await app.next("connecting");
    app.phone.clock.advance(20_000);
    await turn();
    expect(app.phone.connects).toBe(1);
    app.phone.changeNetwork("wifi");
    await app.next("connected");
  });

  test("a phone that only believes to be offline is tried all the same after 30 s", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    app.phone.changeNetwork("none");
    await app.next("connecting");
    app.phone.clock.advance(RETRY_MS);
    await turn();
    app.phone.clock.advance(30_000);
    await app.next("connected");
  });

  test("a server that fell silent is left", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    app.phone.clock.advance(36_000);
    await app.next("connecting");
    app.phone.clock.advance(RETRY_MS);
    await app.next("connected");
  });
});

describe("the mini-program SDK: devices", () => {
  test("listeners share one subscription, which outlives a change of pages", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    const device = app.posthorn.device("7");
    expect(app.posthorn.device("7")).toBe(device);
    const events = new Inbox<DeviceEvent>();
    const listener = (event: DeviceEvent) => events.push(event);
    const removeA = device.on("event", listener);
    const removeB = device.on("state", () => undefined);
    const peer = await server.peer(1);
    await peer.command(subscribes, "the subscription");
    peer.publish("device:7", { type: "t", data: 1 }, 1);
    await events.find(({ data }) => data === 1, { what: "an event on the first page" });
    removeA();
    removeB();
    removeB();
    app.phone.clock.advance(4_000);
    const removeC = device.on("event", listener);
    app.phone.clock.advance(10_000);
    peer.publish("device:7", { type: "t", data: 2 }, 2);
    await events.find(({ data }) => data === 2, { what: "an event on the next page" });
    removeC();
    app.phone.clock.advance(5_000);
    await peer.command(({ unsubscribe }) => unsubscribe !== undefined, "the end of it");
    expect(peer.commands.items.filter(subscribes)).toHaveLength(1);
  });

  test("state is known from the subscription, then from what is published", async () => {
    using server = new ScriptedServer();
    const wire = (reported: object, version: number) => ({
      reported,
      desired: {},
      reported_version: version,
      desired_version: 0,
    });
    server.script.subscribe = (_, { data }) => ({
      subscribe: {
        recoverable: true,
        epoch: "e",
        ...(JSON.stringify(data) === '{"state":true}' && {
          data: { state: wire({ lamp: "on" }, 4) },
        }),
      },
    });
    using app = appOf(server);
    const device = app.posthorn.device("7");
    const states = new Inbox<DeviceState>();
    server.script.rpc = (method) => ({ rpc: { data: { online: method === "device.get" } } });
    const online = new Inbox<boolean>();
    expect(device.state).toBeUndefined();
    device.on("state", (state) => states.push(state));
    device.on("online", (isOnline) => online.push(isOnline));
    await online.find((isOnline) => isOnline, { what: "that it is online" });
    await states.find(({ reportedVersion }) => reportedVersion === 4, { what: "the state" });
    expect(device.state?.reported).toEqual({ lamp: "on" });
    const peer = await server.peer(1);
    peer.publish("device:7", { type: "device.offline", data: {} }, 1);
    peer.publish("device:7", { type: "device.state", data: wire({ lamp: "off" }, 5) }, 2);
    await states.find(({ reportedVersion }) => reportedVersion === 5, { what: "the new state" });
    expect(device.state?.reported).toEqual({ lamp: "off" });
    expect(online.items).toEqual([true, false]);
    const late: DeviceState[] = [];
    device.on("state", (state) => late.push(state));
    expect(late.map(({ reportedVersion }) => reportedVersion)).toEqual([5]);
  });

  test("a replayed state does not replace the newer one that came with the subscription", async () => {
    using server = new ScriptedServer();
    const state = (version: number) => ({
      reported: { version },
      desired: {},
      reported_version: version,
      desired_version: 0,
    });
    const publications = [
      { data: { type: "device.state", data: state(4) }, offset: 1 },
      { data: { type: "t", data: "last" }, offset: 2 },
    ];
    server.script.subscribe = () => ({
      subscribe: { recoverable: true, epoch: "e", data: { state: state(5) }, publications },
    });
    using app = appOf(server);
    const events = new Inbox<DeviceEvent>();
    const device = app.posthorn.device("7");
    device.on("event", (event) => events.push(event));
    await events.find(({ data }) => data === "last", { what: "the last of the replay" });
    expect(device.state?.reportedVersion).toBe(5);
  });

  test("a channel to which the server subscribed by itself is heard all the same", async () => {
    using server = new ScriptedServer();
    const subs = { "device:7": { recoverable: true, epoch: "e", offset: 3 } };
    server.script.connect = () => ({ connect: { client: "c", version: "0", subs } });
    server.script.subscribe = () => ({ error: { code: 105, message: "already subscribed" } });
    using app = appOf(server);
    const events = new Inbox<DeviceEvent>();
    const causes: string[] = [];
    const device = app.posthorn.device("7");
    device.on("event", (event) => events.push(event));
    device.on("problem", ({ cause }) => causes.push(cause));
    const peer = await server.peer(1);
    await peer.command(subscribes, "the subscription");
    peer.publish("device:7", { type: "t", data: 1 }, 4);
    await events.find(({ data }) => data === 1, { what: "the event" });
    expect(causes).toEqual([]);
  });

  test("a device that the user may not hear is told as a problem", async () => {
    using server = new ScriptedServer();
    server.script.subscribe = () => ({ error: { code: 103, message: "permission denied" } });
    using app = appOf(server);
    const causes = new Inbox<string>();
    app.posthorn.device("7").on("problem", ({ cause }) => causes.push(cause));
    await causes.find((cause) => cause === "channel_denied", { what: "the problem" });
    expect(app.posthorn.status.state).not.toBe("stopped");
  });

  test("a device that was refused is tried again by whoever listens anew", async () => {
    using server = new ScriptedServer();
    const { subscribe } = server.script;
    server.script.subscribe = () => ({ error: { code: 103, message: "permission denied" } });
    using app = appOf(server);
    const device = app.posthorn.device("7");
    const causes = new Inbox<string>();
    device.on("problem", ({ cause }) => causes.push(cause));
    await causes.find(() => true, { what: "the problem" });
    server.script.subscribe = subscribe;
    const events = new Inbox<DeviceEvent>();
    device.on("event", (event) => events.push(event));
    const peer = await server.peer(1);
    await eventually(() => peer.commands.items.filter(subscribes)[1], "the second subscription");
    peer.publish("device:7", { type: "t", data: 1 }, 1);
    await events.find(({ data }) => data === 1, { what: "the event" });
  });

  test("a device that is said to be online twice is told of once", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    const online: boolean[] = [];
    const events = new Inbox<DeviceEvent>();
    const device = app.posthorn.device("7");
    device.on("online", (isOnline) => online.push(isOnline));
    device.on("event", (event) => events.push(event));
    const peer = await server.peer(1);
    await peer.command(subscribes, "the subscription");
    for (const type of ["device.online", "device.online", "device.offline", "last"]) {
      peer.publish("device:7", { type, data: {} }, 1);
    }
    await events.find(({ type }) => type === "last", { what: "the last event" });
    expect(online).toEqual([true, false]);
  });

  test("a publication in another form than a device's is left alone", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    const events = new Inbox<DeviceEvent>();
    app.posthorn.device("7").on("event", (event) => events.push(event));
    const peer = await server.peer(1);
    await peer.command(subscribes, "the subscription");
    for (const data of [null, "text", 7, {}]) peer.publish("device:7", data, 1);
    peer.publish("device:7", { type: "t", data: 2 }, 2);
    await events.find(({ data }) => data === 2, { what: "the event" });
    app.phone.clock.advance(0);
    expect(events.items).toHaveLength(1);
    expect(app.phone.errors).toEqual([]);
  });

  test("a listener that throws harms nobody, and the app's error hook hears of it", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    const events = new Inbox<DeviceEvent>();
    app.posthorn.device("7").on("event", () => {
      throw new Error("the page's own");
    });
    app.posthorn.device("7").on("event", (event) => events.push(event));
    const peer = await server.peer(1);
    await peer.command(subscribes, "the subscription");
    for (const offset of [1, 2]) peer.publish("device:7", { type: "t", data: offset }, offset);
    await events.find(({ data }) => data === 2, { what: "the second event" });
    app.phone.clock.advance(0);
    expect(app.phone.errors.map(String)).toEqual([
      "Error: the page's own",
      "Error: the page's own",
    ]);
    expect(app.posthorn.status.state).toBe("connected");
  });
});

describe("the mini-program SDK: commands", () => {
  const told = (key: unknown, status: string, result?: object) => ({
    type: `command.${status}`,
    data: { command: "c-1", type: "open", status, key, ...(result && { result }) },
  });

  test("command() resolves to what the device answers", async () => {
    using server = new ScriptedServer();
    server.script.rpc = () => ({ rpc: { data: { id: "c-1", status: "queued" } } });
    using app = appOf(server);
    const answer = app.posthorn.device("7").command("open", { seconds: 5 }, { timeout: 10_000 });
    const peer = await server.peer(1);
    const { rpc } = await peer.command((it) => it.rpc !== undefined, "the rpc");
    expect(rpc?.method).toBe("command.send");
    expect(rpc?.data).toMatchObject({ device: "7", type: "open", data: { seconds: 5 }, ttl: 10 });
    const key = rpc?.data["key"];
    peer.publish("device:7", told(key, "sent"), 1);
    peer.publish("device:7", told(key, "done", { ok: true, data: { opened: true } }), 2);
    expect(await answer).toEqual({ opened: true });
  });

  test.each([
    { status: "failed", result: { ok: false, error: { code: "jammed", message: "It is jammed" } } },
    { status: "expired", result: undefined },
    { status: "canceled", result: undefined },
  ])("command() rejects when it is $status", async ({ status, result }) => {
    using server = new ScriptedServer();
    server.script.rpc = (_, { key }) => ({
      rpc: { data: { id: "c-1", type: "open", status, key, ...(result && { result }) } },
    });
    using app = appOf(server);
    const answer = app.posthorn.device("7").command("open");
    await expect(answer).rejects.toMatchObject({
      name: "CommandError",
      code: result === undefined ? status : "jammed",
    });
  });

  test("command() is sent again under the same key when the connection broke", async () => {
    using server = new ScriptedServer();
    const keys = new Inbox<unknown>();
    server.script.rpc = (_, { key }) => {
      keys.push(key);
      return keys.items.length === 1
        ? { close: [3004, "internal server error"] }
        : { rpc: { data: { id: "c-1", status: "done", result: { ok: true, data: 7 } } } };
    };
    using app = appOf(server);
    await app.next("connected");
    const answer = app.posthorn.device("7").command("open");
    await app.next("connecting");
    app.phone.clock.advance(RETRY_MS);
    await app.next("connected");
    expect(await answer).toBe(7);
    expect(new Set(keys.items).size).toBe(1);
  });

  test("command() hears of its end through a cut", async () => {
    using server = new ScriptedServer();
    server.script.rpc = () => ({ rpc: { data: { id: "c-1", status: "queued" } } });
    using app = appOf(server);
    const answer = app.posthorn.device("7").command("open", null, { timeout: 60_000 });
    const peer = await server.peer(1);
    const { rpc } = await peer.command((it) => it.rpc !== undefined, "the rpc");
    server.script.subscribe = () => ({
      subscribe: {
        recoverable: true,
        epoch: "e",
        recovered: true,
        was_recovering: true,
        publications: [{ data: told(rpc?.data["key"], "done", { ok: true, data: 1 }), offset: 1 }],
      },
    });
    await app.next("connected");
    app.phone.hide();
    app.phone.clock.advance(20_000);
    app.phone.show();
    expect(await answer).toBe(1);
  });

  test("command() asks for its end where the channel keeps no history", async () => {
    using server = new ScriptedServer();
    server.script.subscribe = () => ({ subscribe: {} });
    server.script.rpc = () => ({ rpc: { data: { id: "c-1", status: "queued" } } });
    using app = appOf(server);
    const answer = app.posthorn.device("7").command("open", null, { timeout: 60_000 });
    await (await server.peer(1)).command((it) => it.rpc !== undefined, "the rpc");
    const result = { ok: true, data: 1 };
    server.script.rpc = () => ({ rpc: { data: { id: "c-1", status: "done", result } } });
    await app.next("connected");
    app.phone.hide();
    app.phone.clock.advance(20_000);
    app.phone.show();
    expect(await answer).toBe(1);
  });

  test("command() rejects when time is up and when the server refuses it", async () => {
    using server = new ScriptedServer();
    server.script.rpc = () => ({ rpc: { data: { id: "c-1", status: "queued" } } });
    using app = appOf(server);
    await app.next("connected");
    const slow = codeOf(app.posthorn.device("7").command("open", null, { timeout: 3_000 }));
    await (await server.peer(1)).command((it) => it.rpc !== undefined, "the rpc");
    app.phone.clock.advance(3_000);
    expect(await slow).toBe("timeout");
    server.script.rpc = () => ({ error: { code: 103, message: "permission denied" } });
    const refused = codeOf(app.posthorn.device("7").command("open"));
    expect(await refused).toBe("refused");
    server.script.rpc = () => ({ rpc: { data: { id: "c-1", status: "queued" } } });
    const closed = codeOf(app.posthorn.device("7").command("open"));
    const device = app.posthorn.device("7");
    app.posthorn.close();
    expect(await closed).toBe("closed");
    expect(await codeOf(device.command("open"))).toBe("closed");
  });

  test("command() rejects at its timeout, and may be picked up for the whole seconds around it", async () => {
    using server = new ScriptedServer();
    server.script.rpc = () => ({ rpc: { data: { id: "c-1", status: "queued" } } });
    using app = appOf(server);
    await app.next("connected");
    let code: string | undefined;
    const answer = codeOf(app.posthorn.device("7").command("open", null, { timeout: 1_500 }));
    void answer.then((it) => {
      code = it;
    });
    const { rpc } = await (await server.peer(1)).command((it) => it.rpc !== undefined, "the rpc");
    expect(rpc?.data).toMatchObject({ ttl: 2 });
    app.phone.clock.advance(1_499);
    await turn();
    expect(code).toBeUndefined();
    app.phone.clock.advance(1);
    expect(await answer).toBe("timeout");
  });

  test("command() that was given up before there was a connection is never sent", async () => {
    using server = new ScriptedServer();
    const { connect } = server.script;
    server.script.connect = () => ({ close: [3004, "internal server error"] });
    const sent = new Inbox<unknown>();
    server.script.rpc = (_, { type }) => {
      sent.push(type);
      return { rpc: { data: { id: "c-1", type: "ring", status: "done" } } };
    };
    using app = appOf(server);
    const device = app.posthorn.device("7");
    const open = codeOf(device.command("open", null, { timeout: 400 }));
    await eventually(() => app.failures === 1 || undefined, "the failed connection");
    await eventually(() => app.phone.sockets === 0 || undefined, "the end of the socket");
    app.phone.clock.advance(400);
    expect(await open).toBe("timeout");
    server.script.connect = connect;
    app.phone.clock.advance(RETRY_MS);
    await app.next("connected");
    await device.command("ring");
    expect(sent.items).toEqual(["ring"]);
  });

  test("every step of every command is told", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    const steps = new Inbox<object>();
    app.posthorn.device("7").on("command", (change) => steps.push(change));
    const peer = await server.peer(1);
    await peer.command(subscribes, "the subscription");
    peer.publish("device:7", told("k", "acked"), 1);
    peer.publish("device:7", told("k", "done", { ok: true, data: 1 }), 2);
    await steps.find((step) => "data" in step, { what: "the last step" });
    expect(steps.items).toEqual([
      { id: "c-1", type: "open", status: "acked" },
      { id: "c-1", type: "open", status: "done", data: 1 },
    ]);
  });
});
