import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { transform } from "esbuild";
import { SDK_FILES } from "../../../src/sdk/generated/sdk-files.ts";
import { eventually } from "../../support/inbox.ts";
import {
  call,
  MINI_PROGRAM,
  MiniProgram,
  pagesOfMiniProgram,
  readMiniProgram,
  SDK_PLACE,
  scriptsOfMiniProgram,
} from "../../support/mini-program.ts";
import { readPhoneGuide } from "../../support/phone-guide.ts";

const PAGES = pagesOfMiniProgram();
const SCRIPTS = scriptsOfMiniProgram();
const LIST = "pages/devices/devices";
const DEVICE = "pages/device/device";
/** What every object has, and what setData would take for a path. */
const ODD_NAMES = ["constructor", "__proto__", "toString", "a.b", "a[0].b", "[0]", "."];

type Listener = (value: unknown) => void;

/** The client as far as the pages use it, told by the test what to tell them. */
class FakePosthorn {
  status = { state: "connected" };
  readonly listeners = new Map<string, Set<Listener>>();
  readonly sent: unknown[][] = [];
  answer: Promise<unknown> = Promise.resolve({ light: true });

  /** `id` is "" for the connection itself. */
  on(id: string, name: string, listener: Listener): () => void {
    const key = `${id} ${name}`;
    const listeners = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  tell(id: string, name: string, value: unknown): void {
    const listeners = this.listeners.get(`${id} ${name}`) ?? [];
    if (![...listeners].length) throw new Error(`nobody listens to ${name} of "${id}"`);
    for (const listener of listeners) listener(value);
  }

  get listening(): number {
    return [...this.listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** What an app sees of it. */
  face() {
    return {
      status: this.status,
      on: (name: string, listener: Listener) => this.on("", name, listener),
      device: (id: string) => ({
        on: (name: string, listener: Listener) => this.on(id, name, listener),
        command: (...sent: unknown[]) => {
          this.sent.push([id, ...sent]);
          return this.answer;
        },
      }),
    };
  }
}

interface WorldOptions {
  readonly language?: string;
  readonly devices?: unknown;
  readonly status?: number;
  /** When the server answers; at once without it. */
  readonly answered?: Promise<void>;
  /** Another `config.js`. */
  readonly config?: string;
}

/** The demo with a client that the test plays, and a server that knows these devices, until the test changes it. */
function world({ language = "en", answered, config, ...options }: WorldOptions) {
  const server = { status: 200, devices: [{ id: "a", name: "" }] as unknown, ...options };
  const posthorn = new FakePosthorn();
  const asked: unknown[] = [];
  const program = new MiniProgram({
    files: {
      ...(config !== undefined && { "config.js": config }),
      [SDK_PLACE]:
        "exports.createPosthorn = function (options) { return wx.testPosthorn(options); };",
    },
    wx: {
      getAppBaseInfo: () => ({ language }),
      request: async ({ success }: { success: (result: object) => void }) => {
        await answered;
        success({ statusCode: server.status, data: { devices: server.devices, ticket: "pht_1" } });
      },
      getStorageSync: () => "the-token",
      testPosthorn: (options: unknown) => {
        asked.push(options);
        return posthorn.face();
      },
    },
  });
  return { program, posthorn, asked, server };
}

type World = ReturnType<typeof world>;

describe("the mini-program", () => {
  test.each(PAGES)("has all four files of %s", (page) => {
    for (const kind of ["js", "json", "wxml", "wxss"]) {
      expect(existsSync(join(MINI_PROGRAM, `${page}.${kind}`))).toBe(true);
    }
    expect(JSON.parse(readMiniProgram(`${page}.json`))).toBeObject();
  });

  test("has no page that app.json does not name", () => {
    const found = [...new Bun.Glob("pages/**/*.wxml").scanSync(MINI_PROGRAM)];
    expect(found.map((name) => name.replace(".wxml", "")).sort()).toEqual([...PAGES].sort());
    expect(PAGES.length).toBeGreaterThan(1);
  });

  test("opens in the developer tools without an account", () => {
    expect(JSON.parse(readMiniProgram("project.config.json"))).toMatchObject({
      appid: "touristappid",
      compileType: "miniprogram",
      setting: { urlCheck: false },
    });
  });

  test("is packed with no more of the client than the file it needs", () => {
    const { packOptions } = JSON.parse(readMiniProgram("project.config.json"));
    const isLeftOut = (path: string) =>
      packOptions.ignore.some(({ type, value }: { type: string; value: string }) =>
        type === "suffix" ? path.endsWith(value) : path === value,
      );
    const written = Object.keys(SDK_FILES).map((name) => `lib/${name}`);
    expect(written.filter((path) => !isLeftOut(path))).toEqual([SDK_PLACE]);
    expect(SCRIPTS.filter(isLeftOut)).toEqual([]);
  });

  test.each(SCRIPTS)("%s needs no newer syntax than ES2017", async (name) => {
    const text = readMiniProgram(name);
    const [old, next] = await Promise.all(
      ["es2017", "esnext"].map((target) => transform(text, { target })),
    );
    expect(old?.code).toBe(next?.code ?? "");
  });

  test.each(PAGES)("every name in %s.wxml is one that the page has", (path) => {
    using program = world({}).program;
    const page = program.open(path, { id: "a" });
    const wxml = readMiniProgram(`${path}.wxml`);
    const handlers = [...wxml.matchAll(/ bind\w+="(\w+)"/g)].map(([, name]) => name ?? "");
    expect(handlers.filter((name) => typeof page[name] !== "function")).toEqual([]);
    const shown = [...wxml.matchAll(/\{\{(.+?)\}\}/g)].flatMap(([, expression = ""]) =>
      expression.replaceAll(/'[^']*'/g, "").match(/(?<![.\w])[a-z]\w*/gi),
    );
    const known = new Set([...Object.keys(page.data), "item", "index"]);
    expect(shown.filter((name) => !known.has(name ?? ""))).toEqual([]);
    expect(shown.length).toBeGreaterThan(3);
  });

  test("shows in Chinese whatever it shows in English", () => {
    using english = world({}).program;
    using chinese = world({ language: "zh_CN" }).program;
    const [first, second] = [english, chinese].map((it) => it.open(LIST).data["texts"] as object);
    expect(Object.keys(second ?? {})).toEqual(Object.keys(first ?? {}));
    expect(Object.values(second ?? {}).every((text) => /\p{Script=Han}/u.test(text))).toBe(true);
  });

  test("speaks the language of a version of WeChat that knows only getSystemInfoSync()", () => {
    const files = {
      [SDK_PLACE]: "exports.createPosthorn = function () { return wx.testPosthorn; };",
    };
    using program = new MiniProgram({
      files,
      wx: {
        getAppBaseInfo: undefined,
        getSystemInfoSync: () => ({ language: "zh_CN" }),
        request: () => undefined,
        testPosthorn: new FakePosthorn().face(),
      },
    });
    expect(program.open(LIST).data["texts"]).toMatchObject({ connected: "已连接" });
  });

  test("makes one connection to the address of its configuration, for all pages", () => {
    const { program, asked } = world({});
    using _program = program;
    program.open(LIST);
    program.open(DEVICE, { id: "a" });
    expect(asked).toEqual([{ url: expect.stringMatching(/^ws:\/\/192\.168\./) }]);
  });
});

test("the config.js of from zero to a phone makes of the demo one for real users", async () => {
  const part = readPhoneGuide("en").parts.find(({ heading }) => heading.startsWith("## 5."));
  const config = part?.blocks.find(({ kind }) => kind === "js")?.text ?? "";
  const { program, posthorn, asked, server } = world({ config });
  using _program = program;
  program.open(LIST);
  await eventually(() => posthorn.listeners.has("kiosk-7 event") || undefined, "the terminal");
  const [{ url, getTicket } = {}] = asked as { url?: string; getTicket?: () => Promise<unknown> }[];
  expect(url).toBe("wss://push.example.com");
  expect(await getTicket?.()).toBe("pht_1");
  server.status = 401;
  expect(await getTicket?.()).toBeNull();
  server.status = 503;
  await expect(getTicket?.()).rejects.toThrow("ticket: 503");
});

describe("the page of all devices", () => {
  test("lists them, with what they posted last and whether they are there", async () => {
    const devices = [
      { id: "a", name: "Lobby" },
      { id: "b", name: "" },
    ];
    const { program, posthorn } = world({ devices });
    using _program = program;
    const page = program.open(LIST);
    await eventually(() => posthorn.listeners.has("b event") || undefined, "the second device");
    posthorn.tell("b", "online", true);
    posthorn.tell("a", "event", { type: "reading", data: { temperature: 21 } });
    posthorn.tell("a", "event", { type: "note", data: "without a number" });
    posthorn.tell("b", "event", { type: "stock", data: { slot: "A4", count: 7 } });
    expect(page.data["devices"]).toEqual([
      { id: "a", name: "Lobby", isOnline: false, value: "21.0 °C" },
      { id: "b", name: "b", isOnline: true, value: "7" },
    ]);
    await (call(page, "onShow") as Promise<void>);
    expect(page.data["devices"]).toHaveLength(2);
  });

  test.each(ODD_NAMES)("shows a value that the terminal calls %s", async (name) => {
    const { program, posthorn } = world({ devices: [{ id: "a", name }] });
    using _program = program;
    const page = program.open(LIST);
    await eventually(() => posthorn.listeners.has("a event") || undefined, "the device");
    posthorn.tell("a", "event", JSON.parse(`{"data":{"${name}":7}}`));
    expect(page.data["devices"]).toEqual([{ id: "a", name, isOnline: false, value: "7" }]);
  });

  test("listens to nothing any more once it is left", async () => {
    const { program, posthorn } = world({});
    using _program = program;
    const page = program.open(LIST);
    await eventually(() => posthorn.listening === 3 || undefined, "the device");
    call(page, "onUnload");
    expect(posthorn.listening).toBe(0);
  });

  test("listens to nothing of a list that comes once it is left", async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
    const { program, posthorn } = world({ answered });
    using _program = program;
    const page = program.open(LIST);
    const shown = call(page, "onShow") as Promise<void>;
    call(page, "onUnload");
    answer();
    await shown;
    expect(posthorn.listening).toBe(0);
    expect(page.data["devices"]).toEqual([]);
  });

  test("says why it has no list", async () => {
    using program = world({ status: 404 }).program;
    const page = program.open(LIST);
    await eventually(() => page.data["problem"] || undefined, "the problem");
    expect(page.data).toMatchObject({ problem: "404", devices: [] });
  });

  test("has its list once the server is there, by the connection or by itself", async () => {
    for (const comeBack of [
      ({ posthorn }: World) => posthorn.tell("", "status", { state: "connected" }),
      ({ program }: World) => program.phone.clock.advance(3_000),
    ]) {
      const opened = world({ status: 502 });
      using _program = opened.program;
      const page = opened.program.open(LIST);
      await eventually(() => page.data["problem"] || undefined, "the problem");
      opened.server.status = 200;
      comeBack(opened);
      await eventually(() => page.data["problem"] === "" || undefined, "the list");
      expect(page.data["devices"]).toMatchObject([{ id: "a" }]);
    }
  });

  test("looks for terminals until there is one, and not while nobody looks at it", async () => {
    const { program, server } = world({ devices: [] });
    using _program = program;
    const { clock } = program.phone;
    const page = program.open(LIST);
    const planned = (count: number) =>
      eventually(() => clock.appTimers === count || undefined, `${count} timers`);
    await planned(1);
    call(page, "onHide");
    await planned(0);
    await (call(page, "onShow") as Promise<void>);
    await planned(1);
    server.devices = [{ id: "a", name: "" }];
    clock.advance(3_000);
    await eventually(() => (page.data["devices"] as unknown[])[0], "the terminal");
    await planned(0);
  });

  test("says what is wrong with the connection, and that it is well again", () => {
    const { program, posthorn } = world({});
    using _program = program;
    const page = program.open(LIST);
    const problem = { cause: "connection_lost", remedy: "None needed", text: "1006" };
    posthorn.tell("", "status", { state: "connecting", problem });
    expect(page.data["status"]).toEqual({ state: "connecting", problem });
    posthorn.tell("", "status", { state: "connected" });
    expect(page.data["status"]).toEqual({ state: "connected" });
  });
});

describe("the page of one device", () => {
  const tap = (index: number) => ({ currentTarget: { dataset: { index } } });

  test("shows its values, its state and whether it is there", () => {
    const { program, posthorn } = world({});
    using _program = program;
    const page = program.open(DEVICE, { id: "a" });
    expect(program.title).toBe("a");
    for (const temperature of [20, 25, 30]) posthorn.tell("a", "event", { data: { temperature } });
    posthorn.tell("a", "online", true);
    posthorn.tell("a", "state", { reported: { light: true }, desired: { target: 5 } });
    expect(page.data).toMatchObject({
      value: "30.0 °C",
      bars: [{ height: 10 }, { height: 55 }, { height: 100 }],
      isOnline: true,
      light: "on",
      state: [
        { key: "light", reported: "true", desired: "" },
        { key: "target", reported: "", desired: "5" },
      ],
    });
  });

  test.each(ODD_NAMES)("shows what its state has under %s", (key) => {
    const { program, posthorn } = world({});
    using _program = program;
    const page = program.open(DEVICE, { id: "a" });
    const stateOf = (reported: string, desired: string) =>
      JSON.parse(`{"reported":${reported},"desired":${desired}}`);
    posthorn.tell("a", "state", stateOf(`{"${key}":1}`, "{}"));
    expect(page.data["state"]).toEqual([{ key, reported: "1", desired: "" }]);
    posthorn.tell("a", "state", stateOf("{}", `{"${key}":2}`));
    expect(page.data["state"]).toEqual([{ key, reported: "", desired: "2" }]);
    posthorn.tell("a", "state", stateOf(`{"${key}":1}`, `{"${key}":2}`));
    expect(page.data["state"]).toEqual([{ key, reported: "1", desired: "2" }]);
    posthorn.tell("a", "event", JSON.parse(`{"data":{"${key}":7}}`));
    expect(page.data["value"]).toBe("7");
  });

  test("a tap on a button sends its command and shows what the device answers", async () => {
    const { program, posthorn } = world({});
    using _program = program;
    const page = program.open(DEVICE, { id: "a" });
    const labels = (page.data["buttons"] as { label: string }[]).map(({ label }) => label);
    const done = call(page, "send", tap(labels.indexOf("Light off")));
    expect(page.data["answer"]).toMatchObject({ is: "waiting", type: "light" });
    await done;
    expect(posthorn.sent).toEqual([["a", "light", { on: false }, { timeout: 10_000 }]]);
    expect(page.data["answer"]).toEqual({
      is: "ok",
      type: "light",
      text: '{"light":true}',
      time: expect.stringMatching(/^\d+ ms$/),
    });
  });

  test("a command that fails shows why", async () => {
    const { program, posthorn } = world({});
    using _program = program;
    const page = program.open(DEVICE, { id: "a" });
    posthorn.answer = Promise.reject({ code: "timeout", message: "no answer" });
    await call(page, "send", tap(3));
    expect(page.data["answer"]).toMatchObject({
      is: "bad",
      type: "ping",
      text: "timeout: no answer",
    });
  });

  test("listens to nothing any more once it is left", () => {
    const { program, posthorn } = world({});
    using _program = program;
    const page = program.open(DEVICE, { id: "a" });
    expect(posthorn.listening).toBeGreaterThan(3);
    call(page, "onUnload");
    expect(posthorn.listening).toBe(0);
  });
});
