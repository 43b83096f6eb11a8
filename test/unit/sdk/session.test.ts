import { describe, expect, test } from "bun:test";
import type { Posthorn, PosthornOptions, Problem, Status } from "../../../src/sdk/posthorn.d.ts";
import { REMEDIES } from "../../../src/sdk/remedies.ts";
import { App, builtSdk } from "../../support/fake-wx/app.ts";
import type { PhoneOptions } from "../../support/fake-wx/phone.ts";
import { eventually, Inbox } from "../../support/inbox.ts";
import { ScriptedServer } from "./scripted-server.ts";

const { miniprogram } = await builtSdk();

/** Longer than any pause before a first new attempt. */
const RETRY_MS = 1_500;

type Url = { readonly url: string };

function appOf(
  { url }: Url,
  options: Partial<PosthornOptions> = {},
  phone: PhoneOptions = {},
): App {
  return new App(miniprogram, { url, ...options }, phone);
}

/** A server that takes connections and never answers. */
function muteServer(): Url & Disposable {
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: () => undefined },
  });
  return { url: `ws://127.0.0.1:${listener.port}`, [Symbol.dispose]: () => listener.stop(true) };
}

/** Lets everything run that waits for nothing but its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** Only promises are waited for here, so the network has had no time to do anything. */
async function connectsOf(app: App, count: number): Promise<void> {
  for (let turns = 0; turns < 50; turns += 1) await null;
  expect(app.phone.connects).toBe(count);
}

function nextConnected(posthorn: Posthorn): Promise<Status> {
  const statuses = new Inbox<Status>();
  posthorn.on("status", (status) => statuses.push(status));
  return statuses.find(({ state }) => state === "connected", { what: "the connection" });
}

async function firstProblem(app: App): Promise<Problem | undefined> {
  const { problem } = await app.statuses.find((status) => status.problem !== undefined, {
    what: "a status with a problem",
  });
  return problem;
}

/** Gives a ticket of its own to every call, and counts them. */
function tickets() {
  const counter = {
    asked: 0,
    getTicket: () => {
      counter.asked += 1;
      return `ticket-${counter.asked}`;
    },
  };
  return counter;
}

const connects = (command: { readonly connect?: unknown }) => command.connect !== undefined;

async function shownTicket(server: ScriptedServer, peer: number): Promise<string | undefined> {
  const { connect } = await (await server.peer(peer)).command(connects, "the connect command");
  return connect?.token;
}

describe("close()", () => {
  test("asks for no ticket any more, and leaves no timer that waits for the server's time", async () => {
    using server = new ScriptedServer();
    const counter = tickets();
    using app = appOf(server, counter);
    await app.next("connected");
    (await server.peer(1)).close(4002, '{"retry_after_ms":600000}');
    await app.next("connecting");
    app.phone.clock.advance(RETRY_MS);
    await turn();
    app.posthorn.close();
    expect(app.phone.clock.appTimers).toBe(0);
    app.phone.clock.advance(600_000);
    await turn();
    expect(counter.asked).toBe(1);
  });

  test("right after the start asks for no ticket at all", async () => {
    using server = new ScriptedServer();
    const counter = tickets();
    using app = appOf(server, counter);
    app.posthorn.close();
    await turn();
    expect(counter.asked).toBe(0);
    expect(app.phone.connects).toBe(0);
  });

  test("then createPosthorn() at once waits until the platform has told of the close", async () => {
    using server = new ScriptedServer();
    using app = appOf(server, {}, { socketsMax: 1 });
    await app.next("connected");
    const closedAtMs = app.phone.clock.nowMs;
    app.posthorn.close();
    const second = app.sdk.createPosthorn({ url: server.url });
    await connectsOf(app, 1);
    const { problem } = await nextConnected(second);
    expect(problem).toBeUndefined();
    expect(app.phone.connects).toBe(2);
    expect(app.phone.clock.nowMs).toBe(closedAtMs);
  });

  test("then createPosthorn() at once does not wait for ever", async () => {
    using server = new ScriptedServer();
    using app = appOf(server, {}, { closeDelayMs: 3_600_000 });
    await app.next("connected");
    app.posthorn.close();
    const connected = nextConnected(app.sdk.createPosthorn({ url: server.url }));
    await turn();
    app.phone.clock.advance(1_999);
    await turn();
    expect(app.phone.connects).toBe(1);
    app.phone.clock.advance(1);
    await connected;
  });

  test("on one address leaves the connection to another alone, and so it was at the start", async () => {
    using server = new ScriptedServer();
    using other = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    const second = app.sdk.createPosthorn({ url: other.url });
    await nextConnected(second);
    app.posthorn.close();
    expect(second.status.state).toBe("connected");
  });
});

describe("an unused ticket", () => {
  test("is shown at the next attempt when the network changes before the opening", async () => {
    using server = new ScriptedServer();
    const counter = tickets();
    using app = appOf(server, counter);
    await connectsOf(app, 1);
    app.phone.changeNetwork("none");
    app.phone.changeNetwork("4g");
    await app.next("connected");
    expect(app.phone.connects).toBe(2);
    expect(counter.asked).toBe(1);
    expect(await shownTicket(server, server.peers.items.length)).toBe("ticket-1");
  });

  test("that is still being fetched serves the next attempt, too", async () => {
    using server = new ScriptedServer();
    const answer = Promise.withResolvers<string>();
    let asked = 0;
    const getTicket = () => {
      asked += 1;
      return answer.promise;
    };
    using app = appOf(server, { getTicket });
    await turn();
    app.phone.changeNetwork("none");
    app.phone.changeNetwork("4g");
    await turn();
    answer.resolve("ticket-1");
    await app.next("connected");
    expect(asked).toBe(1);
    expect(await shownTicket(server, 1)).toBe("ticket-1");
  });

  test("that the platform would not send is shown again", async () => {
    using server = muteServer();
    const counter = tickets();
    using app = appOf(server, counter);
    await connectsOf(app, 1);
    // The opening is tried out by sending, which fails.
    app.phone.clock.advance(2_000);
    await turn();
    app.phone.changeNetwork("none");
    app.phone.changeNetwork("4g");
    await eventually(() => app.phone.connects === 2 || undefined, "the second attempt");
    expect(counter.asked).toBe(1);
  });

  test("is replaced after 30 s", async () => {
    using server = new ScriptedServer();
    const counter = tickets();
    using app = appOf(server, counter);
    await connectsOf(app, 1);
    app.phone.changeNetwork("none");
    app.phone.clock.advance(29_999);
    app.phone.changeNetwork("4g");
    await connectsOf(app, 2);
    expect(counter.asked).toBe(1);
    app.phone.changeNetwork("none");
    app.phone.clock.advance(1);
    app.phone.changeNetwork("wifi");
    await app.next("connected");
    expect(counter.asked).toBe(2);
  });

  test("of the user before is not shown by connect()", async () => {
    using server = new ScriptedServer();
    const counter = tickets();
    // Nothing is sent before the opening, which is told late.
    using app = appOf(server, counter, { losesOpen: true });
    (await server.peer(1)).close(4500, "replaced");
    await app.next("stopped");
    app.posthorn.connect();
    await eventually(() => app.phone.tasks[1]?.state === "open" || undefined, "the open socket");
    app.phone.clock.advance(2_000);
    await app.next("connected");
    expect(counter.asked).toBe(2);
    expect(await shownTicket(server, 2)).toBe("ticket-2");
  });

  test("that was kept for too long is no sign of tickets that are no good", async () => {
    using server = new ScriptedServer();
    const { connect } = server.script;
    const counter = tickets();
    using app = appOf(server, counter);
    await connectsOf(app, 1);
    server.script.connect = (token) =>
      token === "ticket-4" ? connect(token) : { close: [4001, "ticket used"] };
    app.phone.changeNetwork("none");
    app.phone.changeNetwork("4g");
    for (let refused = 1; refused <= 3; refused += 1) {
      await eventually(() => app.failures === refused || undefined, `refusal ${refused}`);
      await eventually(() => app.phone.sockets === 0 || undefined, "the end of the socket");
      app.phone.clock.advance(10_000);
    }
    await app.next("connected");
    expect(counter.asked).toBe(4);
  });
});

describe("a socket whose last frame was refused while it was being closed", () => {
  test("is not waited for forever either", async () => {
    using server = muteServer();
    using app = appOf(server, {}, { closeDelayMs: 3_600_000 });
    await connectsOf(app, 1);
    app.phone.clock.advance(2_000);
    await connectsOf(app, 1);
    // The refusal is on its way.
    app.phone.changeNetwork("none");
    app.phone.changeNetwork("4g");
    await turn();
    app.phone.clock.advance(2_000);
    await turn();
    app.phone.clock.advance(2_000);
    await connectsOf(app, 2);
  });
});

describe("a phone that tells of the network", () => {
  test("it had already loses no connection", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    app.phone.changeNetwork("wifi");
    await turn();
    expect(app.posthorn.status.state).toBe("connected");
    expect(app.phone.connects).toBe(1);
    app.phone.changeNetwork("4g");
    await app.next("connected");
    expect(app.phone.connects).toBe(2);
  });

  test("it had before leaves no connection that went through another since", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    for (const [connects, network] of [
      [2, "4g"],
      [3, "wifi"],
    ] as const) {
      app.phone.changeNetwork(network);
      await app.next("connected");
      expect(app.phone.connects).toBe(connects);
    }
  });

  test("after it had none leaves a connection that was made meanwhile", async () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    await app.next("connected");
    app.phone.changeNetwork("none");
    await app.next("connecting");
    app.phone.clock.advance(RETRY_MS);
    await turn();
    app.phone.clock.advance(30_000);
    await app.next("connected");
    const connectedAtMs = app.phone.clock.nowMs;
    app.phone.changeNetwork("wifi");
    await app.next("connected");
    expect(app.phone.clock.nowMs).toBe(connectedAtMs);
  });
});

/** A socket whose opening is never told, and that takes no frame until the test wants it to. */
function shySocket() {
  const handlers: Record<string, (event: object) => void> = {};
  const keeper = (name: string) => (handler: (event: object) => void) => {
    handlers[name] = handler;
  };
  const socket = {
    takes: false,
    made: 0,
    sent: [] as string[],
    handlers,
    connectSocket: () => {
      socket.made += 1;
      return {
        send: ({ data, fail }: { readonly data: string; readonly fail: () => void }) => {
          if (socket.takes) socket.sent.push(data);
          else setImmediate(fail);
        },
        close: () => undefined,
        onOpen: keeper("open"),
        onMessage: keeper("message"),
        onError: keeper("error"),
        onClose: keeper("close"),
      };
    },
  };
  return socket;
}

describe("a socket that was only believed to be open", () => {
  const believedOpen = async (app: App) => {
    await turn();
    app.phone.clock.advance(2_000);
    await turn();
  };

  test("sends at once what it could not send when a message proves it", async () => {
    using server = new ScriptedServer();
    const api = shySocket();
    using app = appOf(server, { platform: { name: "wx", api } });
    await believedOpen(app);
    api.takes = true;
    api.handlers["message"]?.({ data: "{}" });
    expect(api.sent[0]).toContain("connect");
    api.handlers["error"]?.({ errMsg: "unheard of" });
    expect((await firstProblem(app))?.cause).toBe("connection_lost");
  });

  test("was not lost when it fails", async () => {
    using server = new ScriptedServer();
    const api = shySocket();
    using app = appOf(server, { platform: { name: "wx", api } });
    await believedOpen(app);
    api.handlers["error"]?.({ errMsg: "unheard of" });
    expect((await firstProblem(app))?.cause).toBe("network_unknown");
  });
});

describe("a socket that failed and never tells of its close", () => {
  test("is waited for as long as any other", async () => {
    using server = new ScriptedServer();
    const api = shySocket();
    using app = appOf(server, { platform: { name: "wx", api } });
    await turn();
    api.handlers["error"]?.({ errMsg: "unheard of" });
    app.phone.clock.advance(RETRY_MS);
    await turn();
    expect(api.made).toBe(1);
    app.phone.clock.advance(500);
    await turn();
    expect(api.made).toBe(2);
  });
});

describe("a problem", () => {
  test("in unknown words of a socket that was never open does not promise to end by itself", async () => {
    using server = new ScriptedServer();
    const api = {
      connectSocket: ({ fail }: { readonly fail: (error: object) => void }) =>
        fail({ errMsg: "", errno: 600999 }),
    };
    using app = appOf(server, { platform: { name: "wx", api } });
    await turn();
    app.phone.clock.advance(0);
    expect(await firstProblem(app)).toMatchObject({
      cause: "network_unknown",
      text: "(errno 600999)",
    });
  });

  test("in unknown words of a socket that had been open does", async () => {
    using server = new ScriptedServer();
    using app = appOf(server, {}, { system: "ios" });
    await app.next("connected");
    (await server.peer(1)).cut();
    expect(await firstProblem(app)).toMatchObject({
      cause: "connection_lost",
      text: "Stream end encountered",
    });
  });

  test.each([
    { language: "zh_CN", lang: undefined, told: "zh" },
    { language: "en", lang: undefined, told: "en" },
    { language: undefined, lang: undefined, told: "en" },
    { language: "en", lang: "zh", told: "zh" },
    { language: "zh_CN", lang: "en", told: "en" },
  ] as const)("is told in $told: the app's $language, the option $lang", async (row) => {
    const { language, lang, told } = row;
    using server = new ScriptedServer();
    server.script.subscribe = () => ({ error: { code: 103, message: "permission denied" } });
    using app = appOf(server, lang ? { lang } : {}, language ? { language } : {});
    const problems = new Inbox<Problem>();
    app.posthorn.device("7").on("problem", (problem) => problems.push(problem));
    const { remedy } = await problems.find(() => true, { what: "the device's problem" });
    expect(remedy).toBe(REMEDIES[told].channel_denied);
    (await server.peer(1)).close(4500, "replaced");
    expect((await app.next("stopped")).problem?.remedy).toBe(REMEDIES[told].replaced);
  });

  test("with what getTicket gave is told in Chinese, too", async () => {
    using server = new ScriptedServer();
    const getTicket = () => ({ ticket: "ticket-1" }) as unknown as string;
    using app = appOf(server, { getTicket, lang: "zh" });
    expect((await firstProblem(app))?.remedy).toBe(
      "请返回该对象的 ticket 字段：getTicket 必须返回 ticket 字符串；用户未登录时返回 null",
    );
  });
});

describe("on(), with a name that there is not,", () => {
  test("throws, names it, and names those that there are", () => {
    using server = new ScriptedServer();
    using app = appOf(server);
    const { posthorn } = app;
    const listen = (target: object, name: string) =>
      (target as { on(name: string, run: () => void): unknown }).on(name, () => undefined);
    expect(() => listen(posthorn, "problem")).toThrow(
      "Cannot listen to problem: wanted one of status",
    );
    expect(() => listen(posthorn.device("7"), "evnt")).toThrow(
      "Cannot listen to evnt: wanted one of event, state, online, command, gap, problem",
    );
  });
});

describe("a command whose time is up", () => {
  test("while the app is paused is not given up for that", async () => {
    using server = new ScriptedServer();
    const queued = { rpc: { data: { id: "c-1", status: "queued" } } };
    const asked = new Inbox<string>();
    server.script.rpc = (method) => {
      asked.push(method);
      return asked.items.length === 1 ? queued : undefined;
    };
    using app = appOf(server);
    await app.next("connected");
    const answer = app.posthorn.device("7").command("open", null, { timeout: 1_000 });
    const heard = () => app.phone.tasks[0]?.received.some((text) => text.includes("queued"));
    await eventually(() => heard() || undefined, "that it is queued");
    await turn();
    app.phone.clock.advance(1_000);
    await asked.find(() => asked.items.length === 2, { what: "the last question" });
    app.phone.hide();
    // It closes its connection after 4 s, would be given up after 5 s, and is frozen then.
    app.phone.clock.advance(4_999);
    await turn();
    app.phone.clock.advance(60_000);
    server.script.rpc = () => ({
      rpc: { data: { id: "c-1", status: "done", result: { ok: true, data: 7 } } },
    });
    app.phone.show();
    expect(await answer).toBe(7);
  });
});
