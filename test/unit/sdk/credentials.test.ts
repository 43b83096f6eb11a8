import { describe, expect, test } from "bun:test";
import { Credentials } from "../../../src/sdk/credentials.ts";
import type { PosthornOptions } from "../../../src/sdk/posthorn.d.ts";
import { App, builtSdk } from "../../support/fake-wx/app.ts";
import { eventually } from "../../support/inbox.ts";
import { type Peer, ScriptedServer } from "./scripted-server.ts";

const { miniprogram } = await builtSdk();

/** Longer than any pause before a first new attempt. */
const RETRY_MS = 1_500;

function appOf(server: ScriptedServer, options: Partial<PosthornOptions> = {}): App {
  return new App(miniprogram, { url: server.url, ...options });
}

/** A backend whose every answer the test gives. */
function slowBackend() {
  const calls: PromiseWithResolvers<string>[] = [];
  const getTicket = () => {
    const call = Promise.withResolvers<string>();
    calls.push(call);
    return call.promise;
  };
  const called = (number: number) =>
    eventually(() => calls[number - 1], `call ${number} of getTicket`);
  return { calls, getTicket, called };
}

/** Gives `<before>1`, `<before>2` and so on. */
function counted(before: string) {
  let asked = 0;
  return { getTicket: () => `${before}${++asked}` };
}

/** The server's time for this connection ends in so many seconds. */
const endsIn = (ttl: number) => ({
  connect: { client: "c", version: "0", expires: true, ttl },
});

/** Lets everything run that waits for nothing but its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

async function shownTo(peer: Peer): Promise<string | undefined> {
  const command = await peer.command((it) => it.connect !== undefined, "the connect command");
  return command.connect?.token;
}

const refreshes = (command: { readonly refresh?: unknown }) => command.refresh !== undefined;

describe("a ticket that let the user in", () => {
  test("is not shown again when a later frame is refused by the platform", async () => {
    using server = new ScriptedServer();
    using app = appOf(server, counted("ticket-"));
    await app.next("connected");
    const [task] = app.phone.tasks;
    if (task === undefined) throw new Error("there is no socket");
    task.state = "connecting";
    app.posthorn.device("7").on("event", () => undefined);
    await turn();
    task.state = "open";
    (await server.peer(1)).cut();
    await app.next("connecting");
    app.phone.clock.advance(RETRY_MS);
    await app.next("connected");
    expect(await shownTo(await server.peer(2))).toBe("ticket-2");
  });
});

/** Sends every frame, and says that it has sent none. */
function lyingApi() {
  const sockets: WebSocket[] = [];
  const connectSocket = ({ url }: { readonly url: string }) => {
    const socket = new WebSocket(url);
    sockets.push(socket);
    return {
      send: ({ data, fail }: { readonly data: string; readonly fail: () => void }) => {
        socket.send(data);
        fail();
      },
      close: () => socket.close(),
      onOpen: (run: () => void) => void socket.addEventListener("open", run),
      onMessage: (run: (message: { data: unknown }) => void) =>
        void socket.addEventListener("message", ({ data }) => run({ data })),
      onError: () => undefined,
      onClose: (run: (close: object) => void) =>
        void socket.addEventListener("close", ({ code, reason }) => run({ code, reason })),
    };
  };
  return { connectSocket };
}

describe("a ticket that was shown", () => {
  test("is not shown again when nobody answered", async () => {
    using server = new ScriptedServer();
    const { connect } = server.script;
    server.script.connect = (token) => (token === "ticket-1" ? undefined : connect(token));
    using app = appOf(server, counted("ticket-"));
    const peer = await server.peer(1);
    expect(await shownTo(peer)).toBe("ticket-1");
    peer.cut();
    await eventually(() => app.failures === 1 || undefined, "the failed attempt");
    app.phone.clock.advance(RETRY_MS);
    await app.next("connected");
    expect(await shownTo(await server.peer(2))).toBe("ticket-2");
  });

  test("is not shown again when it let the user in, whatever the platform says of the sending", async () => {
    using server = new ScriptedServer();
    const platform = { name: "wx", api: lyingApi() } as const;
    using app = appOf(server, { ...counted("ticket-"), platform });
    await app.next("connected");
    (await server.peer(1)).cut();
    await app.next("connecting");
    app.phone.clock.advance(RETRY_MS);
    await app.next("connected");
    expect(await shownTo(await server.peer(2))).toBe("ticket-2");
  });

  test("was used, and the frames after it do not change that", async () => {
    const credentials = new Credentials(counted("ticket-").getTicket);
    await credentials.next();
    credentials.sent('{"id":1,"connect":{"token":"ticket-1"}}', true);
    credentials.sent('{"id":2,"subscribe":{"channel":"device:ticket-1"}}', false);
    expect(await credentials.next()).toBe("ticket-2");
    credentials.sent('{"id":1,"connect":{"token":"ticket-2"}}', false);
    expect(await credentials.next()).toBe("ticket-2");
  });
});

describe("a connection whose time ends", () => {
  test("shows a new token before that, and goes on", async () => {
    using server = new ScriptedServer();
    server.script.connect = () => endsIn(60);
    using app = appOf(server, counted("a.b."));
    await app.next("connected");
    app.phone.clock.advance(60_000);
    const peer = await server.peer(1);
    const { refresh } = await peer.command(refreshes, "the new token");
    expect(refresh?.token).toBe("a.b.2");
    await turn();
    expect(app.posthorn.status).toEqual({ state: "connected" });
    expect(app.phone.connects).toBe(1);
  });

  test("keeps the new token for the connections to come", async () => {
    using server = new ScriptedServer();
    server.script.connect = () => endsIn(60);
    using app = appOf(server, counted("a.b."));
    await app.next("connected");
    app.phone.clock.advance(60_000);
    const peer = await server.peer(1);
    await peer.command(refreshes, "the new token");
    peer.cut();
    await app.next("connecting");
    app.phone.clock.advance(RETRY_MS);
    await app.next("connected");
    expect(await shownTo(await server.peer(2))).toBe("a.b.2");
  });

  test("and that is lost while the token is fetched waits like any other", async () => {
    using server = new ScriptedServer();
    server.script.connect = () => endsIn(60);
    const { getTicket, called } = slowBackend();
    using app = appOf(server, { getTicket });
    (await called(1)).resolve("a.b.1");
    await app.next("connected");
    app.phone.clock.advance(60_000);
    const second = await called(2);
    (await server.peer(1)).close(4002, '{"retry_after_ms":20000}');
    await app.next("connecting");
    second.resolve("a.b.2");
    await turn();
    app.phone.clock.advance(RETRY_MS);
    await turn();
    expect(app.phone.connects).toBe(1);
    app.phone.clock.advance(20_000);
    await app.next("connected");
    expect(await shownTo(await server.peer(2))).toBe("a.b.2");
  });

  test("and that the server ends for it shows a new token at once", async () => {
    using server = new ScriptedServer();
    using app = appOf(server, counted("a.b."));
    await app.next("connected");
    (await server.peer(1)).close(3005, "connection expired");
    expect((await app.next("connecting")).problem?.cause).toBe("token_expired");
    app.phone.clock.advance(RETRY_MS);
    await app.next("connected");
    expect(await shownTo(await server.peer(2))).toBe("a.b.2");
  });
});

describe("connect(), when another user has signed in", () => {
  test.each([
    ["ticket", "ticket-anna", "ticket-bob"],
    ["token", "a.anna.c", "a.bob.c"],
  ])("shows no %s of the user before that is still under way", async (_, annas, bobs) => {
    using server = new ScriptedServer();
    server.script.connect = () => endsIn(60);
    const { getTicket, called } = slowBackend();
    using app = appOf(server, { getTicket });
    (await called(1)).resolve(annas);
    await app.next("connected");
    app.phone.clock.advance(60_000);
    const late = await called(2);
    (await server.peer(1)).close(4500, "replaced");
    await app.next("stopped");
    app.posthorn.connect();
    (await called(3)).resolve(bobs);
    late.resolve(annas);
    await app.next("connected");
    expect(await shownTo(await server.peer(2))).toBe(bobs);
  });

  test.each([
    ["ticket", "ticket-anna", "ticket-bob"],
    ["token", "a.anna.c", "a.bob.c"],
  ])("keeps no %s of the user before that comes late", async (_, annas, bobs) => {
    using server = new ScriptedServer();
    server.script.connect = () => endsIn(60);
    const { getTicket, called, calls } = slowBackend();
    using app = appOf(server, { getTicket });
    (await called(1)).resolve(annas);
    await app.next("connected");
    app.phone.clock.advance(60_000);
    const late = await called(2);
    (await server.peer(1)).close(4500, "replaced");
    await app.next("stopped");
    app.posthorn.connect();
    const third = await called(3);
    late.resolve(annas);
    await turn();
    app.phone.changeNetwork("4g");
    await turn();
    third.resolve(bobs);
    await app.next("connected");
    expect(await shownTo(await server.peer(2))).toBe(bobs);
    expect(calls).toHaveLength(3);
  });

  test("shows no token of the user before", async () => {
    using server = new ScriptedServer();
    using app = appOf(server, counted("a.b."));
    await app.next("connected");
    (await server.peer(1)).close(4500, "replaced");
    await app.next("stopped");
    app.posthorn.connect();
    await app.next("connected");
    expect(await shownTo(await server.peer(2))).toBe("a.b.2");
  });
});

describe("an app that was hidden while getTicket was under way", () => {
  test.each([
    ["close", 6_000],
    ["close", 60_000],
    ["keep", 60_000],
  ] as const)(
    "asks anew when it is shown (background: %s, %p ms)",
    async (background, hiddenMs) => {
      using server = new ScriptedServer();
      const { getTicket, called } = slowBackend();
      using app = appOf(server, { getTicket, background });
      await called(1);
      app.phone.hide();
      app.phone.clock.advance(hiddenMs);
      await turn();
      const shownAtMs = app.phone.clock.nowMs;
      app.phone.show();
      (await called(2)).resolve("ticket-2");
      await app.next("connected");
      expect(app.phone.clock.nowMs).toBe(shownAtMs);
    },
  );

  test("is not told that it failed when the platform says so at last", async () => {
    using server = new ScriptedServer();
    const { getTicket, called } = slowBackend();
    using app = appOf(server, { getTicket });
    const first = await called(1);
    app.phone.hide();
    app.phone.clock.advance(60_000);
    await turn();
    app.phone.show();
    first.reject(new Error("request:fail interrupted"));
    const second = await called(2);
    await turn();
    app.phone.hide();
    app.phone.show();
    second.resolve("ticket-2");
    await app.next("connected");
    expect(app.statuses.items.flatMap(({ problem }) => problem ?? [])).toEqual([]);
  });

  test("only for a glance waits for the answer that is under way", async () => {
    using server = new ScriptedServer();
    const { getTicket, called, calls } = slowBackend();
    using app = appOf(server, { getTicket });
    const first = await called(1);
    app.phone.hide();
    app.phone.clock.advance(2_000);
    app.phone.show();
    first.resolve("ticket-1");
    await app.next("connected");
    expect(calls).toHaveLength(1);
  });
});

test("an unused ticket ages from when it was asked for, however often it was waited for", async () => {
  using server = new ScriptedServer();
  const { getTicket, called, calls } = slowBackend();
  using app = appOf(server, { getTicket });
  const first = await called(1);
  app.phone.clock.advance(10_000);
  app.phone.changeNetwork("4g");
  await turn();
  app.phone.clock.advance(RETRY_MS);
  await turn();
  first.resolve("ticket-1");
  // Only promises are waited for here, so the network has had no time to do anything.
  for (let turns = 0; turns < 50; turns += 1) await null;
  expect(app.phone.connects).toBe(1);
  app.phone.changeNetwork("none");
  app.phone.clock.advance(30_000 - 10_000 - RETRY_MS);
  app.phone.changeNetwork("wifi");
  (await called(2)).resolve("ticket-2");
  await app.next("connected");
  expect(calls).toHaveLength(2);
});
