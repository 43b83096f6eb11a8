import { describe, expect, test } from "bun:test";
import { Phone } from "../../support/fake-wx/phone.ts";
import { Inbox } from "../../support/inbox.ts";

type Event = Readonly<Record<string, unknown>>;

/** The `wx` of a phone, taken out of the app's world. */
interface Wx {
  connectSocket(options: Event): Task | undefined;
  onAppShow(run: () => void): void;
  onAppHide(run: () => void): void;
  onNetworkStatusChange(run: (status: Event) => void): void;
  getNetworkType(options: { readonly success: (answer: Event) => void }): void;
  getAppBaseInfo?(): Event;
}

interface Task {
  send(options: Event): void;
  close(options?: Event): void;
  onOpen(run: (event: Event) => void): void;
  onMessage(run: (event: Event) => void): void;
  onError(run: (event: Event) => void): void;
  onClose(run: (event: Event) => void): void;
}

interface World {
  readonly wx: Wx;
  readonly setTimeout: (run: () => void, ms: number) => number;
}

function worldOf(phone: Phone): World {
  return phone.launch<World>("exports.wx = wx; exports.setTimeout = setTimeout;");
}

/** A server that echoes, and closes when it is told to. */
function echoServer() {
  const heads: Headers[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request, self) {
      heads.push(request.headers);
      if (new URL(request.url).pathname === "/403") return new Response("no", { status: 403 });
      return self.upgrade(request) ? undefined : new Response("no", { status: 400 });
    },
    websocket: {
      message(socket, text) {
        if (text === "close") socket.close(4001, "ticket used");
        else if (text === "cut") socket.terminate();
        else socket.send(text);
      },
    },
  });
  return {
    heads,
    url: `ws://127.0.0.1:${server.port}`,
    [Symbol.dispose]: () => void server.stop(true),
  };
}

/** Opens a socket and keeps what it tells, in order. */
function open(wx: Wx, url: string, options: Event = {}) {
  const told = new Inbox<readonly [string, Event]>();
  const keep = (name: string) => (event: Event) => told.push([name, event]);
  const task = wx.connectSocket({
    url,
    success: keep("success"),
    fail: keep("fail"),
    ...options,
  });
  task?.onOpen(keep("open"));
  task?.onMessage(keep("message"));
  task?.onError(keep("error"));
  task?.onClose(keep("close"));
  const next = async (name: string) => {
    const [, event] = await told.find(([it]) => it === name, { what: `the event ${name}` });
    return event;
  };
  const names = () => told.items.map(([name]) => name);
  return { task, told, next, names };
}

describe("the fake wx: sockets", () => {
  test("success comes before the opening and says no more than that there is a task", async () => {
    using server = echoServer();
    using phone = new Phone();
    const { next, names } = open(worldOf(phone).wx, server.url);
    expect(names()).toEqual([]);
    await next("open");
    expect(names()).toEqual(["success", "open"]);
    expect(server.heads[0]?.get("referer")).toContain("https://servicewechat.com/wx");
  });

  test("a task carries text both ways and tells the server's close", async () => {
    using server = echoServer();
    using phone = new Phone();
    const { task, next } = open(worldOf(phone).wx, server.url);
    await next("open");
    task?.send({ data: "hello" });
    expect(await next("message")).toEqual({ data: "hello" });
    task?.send({ data: "close" });
    expect(await next("close")).toEqual({ code: 4001, reason: "ticket used" });
    expect(phone.sockets).toBe(0);
  });

  test.each([
    ["android", { code: 1006, reason: "abnormal closure" }],
    ["ios", { code: 1001, reason: "Stream end encountered" }],
  ] as const)("a cut is told in the words of %s", async (system, close) => {
    using server = echoServer();
    using phone = new Phone({ system });
    const { task, next } = open(worldOf(phone).wx, server.url);
    await next("open");
    task?.send({ data: "cut" });
    expect(await next("close")).toEqual(close);
  });

  test("a refused handshake is an error without the answer's status", async () => {
    using server = echoServer();
    using phone = new Phone();
    const { next } = open(worldOf(phone).wx, `${server.url}/403`);
    expect(await next("error")).toEqual({
      errMsg: "exception onOpen fail code:20, msg:Invalid HTTP status.",
    });
  });

  test("the sixth socket fails until the close of another was told", async () => {
    using server = echoServer();
    using phone = new Phone({ closeDelayMs: 500 });
    const { wx } = worldOf(phone);
    const sockets = [1, 2, 3, 4, 5].map(() => open(wx, server.url));
    const [first] = sockets;
    const sixth = open(wx, server.url);
    expect(sixth.task).toBeUndefined();
    expect((await sixth.next("fail"))["errMsg"]).toContain("exceed max concurrent count");
    await first?.next("open");
    first?.task?.close();
    expect(open(wx, server.url).task).toBeUndefined();
    while (phone.sockets === 5) {
      phone.clock.advance(500);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(open(wx, server.url).task).toBeDefined();
  });

  test("the opening gets lost, and messages still arrive", async () => {
    using server = echoServer();
    using phone = new Phone({ losesOpen: true });
    const { task, next, names } = open(worldOf(phone).wx, server.url);
    while (phone.tasks[0]?.state !== "open") await new Promise((resolve) => setImmediate(resolve));
    task?.send({ data: "hello" });
    await next("message");
    expect(names()).toEqual(["success", "message"]);
  });

  test("handlers that are registered late miss the opening", async () => {
    using server = echoServer();
    using phone = new Phone();
    const task = worldOf(phone).wx.connectSocket({ url: server.url });
    while (phone.tasks[0]?.state !== "open") await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    let opened = 0;
    task?.onOpen(() => {
      opened += 1;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(opened).toBe(0);
  });

  test("a typed array vanishes without a word", async () => {
    using server = echoServer();
    using phone = new Phone();
    const { task, next } = open(worldOf(phone).wx, server.url);
    await next("open");
    const said: string[] = [];
    const outcome = { success: () => said.push("success"), fail: () => said.push("fail") };
    task?.send({ data: new Uint8Array([1]), ...outcome });
    task?.send({ data: "after" });
    await next("message");
    expect(said).toEqual([]);
    expect(phone.complaints).toHaveLength(1);
  });

  test("send fails before the opening, and close has its rules", async () => {
    using server = echoServer();
    using phone = new Phone();
    const { task, next } = open(worldOf(phone).wx, server.url);
    const errors = new Inbox<string>();
    const fail = ({ errMsg }: Event) => errors.push(String(errMsg));
    task?.send({ data: "early", fail });
    await next("open");
    task?.close({ code: 1001, fail });
    task?.close({ reason: "铃".repeat(42), fail });
    task?.close({ code: 4000, reason: "铃".repeat(41), fail });
    task?.close({ fail });
    await errors.find((text) => text.includes("not exist"), { what: "the second close" });
    expect(errors.items).toEqual([
      "SocketTask.send:fail WebSocket is not connected",
      "SocketTask.close:fail invalid code",
      "SocketTask.close:fail reason must not be greater than 123 bytes",
      "closeSocket:fail wcwss taskID not exist",
    ]);
  });

  test.each([
    { what: "no url", url: "nonsense", text: "invalid url" },
    { what: "https", url: "https://x", text: "invalid url" },
    { what: "a host below a listed one", url: "wss://a.x.com", text: "not in domain list" },
    { what: "the phone itself", url: "ws://127.0.0.1:1", text: "not in domain list" },
  ])("connectSocket() fails for $what", async ({ url, text }) => {
    using phone = new Phone({ domains: ["wss://x.com"] });
    const { next } = open(worldOf(phone).wx, url);
    expect((await next("fail"))["errMsg"]).toContain(text);
  });

  test("protocols have to be an array on Android", async () => {
    using phone = new Phone();
    const { next } = open(worldOf(phone).wx, "wss://x", { protocols: "json" });
    expect((await next("fail"))["errMsg"]).toContain("should be Array");
  });

  test("an address in the LAN needs neither a domain nor TLS", () => {
    using phone = new Phone({ domains: [] });
    expect(open(worldOf(phone).wx, "ws://192.168.255.254:9").task).toBeDefined();
  });
});

describe("the fake wx: life of the app", () => {
  test("a hidden app is frozen after 5 s, and hears of the cut when it is shown", async () => {
    using server = echoServer();
    using phone = new Phone();
    const world = worldOf(phone);
    const ticks: number[] = [];
    const { next, names } = open(world.wx, server.url);
    await next("open");
    world.setTimeout(() => ticks.push(phone.clock.nowMs), 4_000);
    world.setTimeout(() => ticks.push(phone.clock.nowMs), 6_000);
    const hiddenAtMs = phone.clock.nowMs;
    phone.hide();
    phone.clock.advance(60_000);
    expect(ticks).toEqual([hiddenAtMs + 4_000]);
    expect(names()).not.toContain("close");
    phone.show();
    expect(await next("close")).toEqual({ code: 1000, reason: "interrupted" });
    expect(ticks).toEqual([hiddenAtMs + 4_000, hiddenAtMs + 60_000]);
  });

  test("an app that comes back within 5 s notices nothing", async () => {
    using server = echoServer();
    using phone = new Phone();
    const { task, next, names } = open(worldOf(phone).wx, server.url);
    await next("open");
    phone.hide();
    phone.clock.advance(4_999);
    phone.show();
    phone.clock.advance(10_000);
    task?.send({ data: "still here" });
    await next("message");
    expect(names()).not.toContain("close");
  });

  test("a socket that was opening is told that it was interrupted", async () => {
    using server = echoServer();
    using phone = new Phone();
    const { next } = open(worldOf(phone).wx, server.url);
    phone.hide();
    phone.clock.advance(5_000);
    phone.show();
    expect(await next("error")).toEqual({ errno: 600003, errMsg: "fail interrupted" });
  });

  test("after 30 min the app is gone, with its timers and its sockets", async () => {
    using server = echoServer();
    using phone = new Phone();
    const world = worldOf(phone);
    const { next, names } = open(world.wx, server.url);
    await next("open");
    world.setTimeout(() => phone.errors.push("a timer of the dead"), 10_000);
    phone.hide();
    phone.clock.advance(30 * 60_000);
    expect(phone.state).toBe("destroyed");
    expect(() => phone.show()).toThrow("Cannot show the app: it was destroyed");
    phone.clock.advance(60_000);
    expect(phone.errors).toEqual([]);
    expect(names()).not.toContain("close");
    expect(phone.sockets).toBe(0);
  });

  test("another network leaves the sockets dead without a word", async () => {
    using server = echoServer();
    using phone = new Phone();
    const { wx } = worldOf(phone);
    const statuses: Event[] = [];
    wx.onNetworkStatusChange((status) => statuses.push(status));
    const { task, next, names } = open(wx, server.url);
    await next("open");
    phone.changeNetwork("4g");
    expect(statuses).toEqual([{ isConnected: true, networkType: "4g" }]);
    const sent = Promise.withResolvers<void>();
    task?.send({ data: "into the void", success: () => sent.resolve() });
    await sent.promise;
    expect(names()).toEqual(["success", "open"]);
    task?.close();
    await next("close");
  });

  test("the network there is already is told without harm to the sockets", async () => {
    using server = echoServer();
    using phone = new Phone();
    const { wx } = worldOf(phone);
    const statuses: Event[] = [];
    wx.onNetworkStatusChange((status) => statuses.push(status));
    const found = await new Promise<Event>((success) => wx.getNetworkType({ success }));
    expect(found["networkType"]).toBe("wifi");
    const { task, next } = open(wx, server.url);
    await next("open");
    phone.changeNetwork("wifi");
    expect(statuses).toEqual([{ isConnected: true, networkType: "wifi" }]);
    task?.send({ data: "still there" });
    await next("message");
    task?.close();
    await next("close");
  });

  test("the language of the app is told by a WeChat that is new enough", () => {
    using phone = new Phone({ language: "zh_CN" });
    using old = new Phone();
    expect(worldOf(phone).wx.getAppBaseInfo?.()).toEqual({ language: "zh_CN" });
    expect(worldOf(old).wx.getAppBaseInfo).toBeUndefined();
  });

  test("the app's world has the globals of phones and no others", () => {
    using phone = new Phone();
    const missing = ["WebSocket", "URL", "fetch", "TextDecoder", "AbortController", "EventTarget"];
    const types = missing.map((name) => `typeof ${name}`).join(",");
    const source = `exports.types = [${types}, typeof globalThis, typeof Buffer, typeof process];
      exports.now = Date.now(); exports.date = new Date().getTime();`;
    const {
      types: found,
      now,
      date,
    } = phone.launch<{
      types: string[];
      now: number;
      date: number;
    }>(source);
    expect(new Set(found)).toEqual(new Set(["undefined"]));
    expect([now, date]).toEqual([phone.clock.nowMs, phone.clock.nowMs]);
    expect(() => phone.launch("require('ws')")).toThrow("module 'ws' is not defined");
  });

  test("what the app does not catch is kept, and harms nobody", () => {
    using phone = new Phone();
    worldOf(phone).setTimeout(() => {
      throw new Error("of the app");
    }, 1);
    phone.clock.advance(1);
    expect(phone.errors.map(String)).toEqual(["Error: of the app"]);
  });
});
