import { describe, expect, test } from "bun:test";
import type { LinkEvents, Platform } from "../../../src/sdk/platform.ts";
import { alipayPlatform } from "../../../src/sdk/platforms/alipay.ts";
import { browserPlatform } from "../../../src/sdk/platforms/browser.ts";
import { douyinPlatform } from "../../../src/sdk/platforms/douyin.ts";
import { taroPlatform } from "../../../src/sdk/platforms/taro.ts";
import { uniPlatform } from "../../../src/sdk/platforms/uni-app.ts";
import { wxPlatform } from "../../../src/sdk/platforms/wx.ts";

type Handler = (event?: unknown) => void;
type Options = Readonly<Record<string, unknown>>;

/** A socket task whose events the test makes up. */
class Task {
  readonly handlers: Record<string, Handler> = {};
  readonly sent: unknown[] = [];
  readonly closes: unknown[] = [];
  onOpen = this.#keeper("open");
  onMessage = this.#keeper("message");
  onError = this.#keeper("error");
  onClose = this.#keeper("close");
  send = (options: Options) => void this.sent.push(options["data"]);
  close = (options: Options) => void this.closes.push(options["code"]);
  #keeper(name: string): (handler: Handler) => void {
    return (handler) => {
      this.handlers[name] = handler;
    };
  }
  tell(name: string, event?: unknown): void {
    this.handlers[name]?.(event);
  }
}

/** Opens a socket on `platform` and keeps what it tells. */
function openOn(platform: Platform) {
  const told: unknown[][] = [];
  const events: LinkEvents = {
    opened: () => void told.push(["opened"]),
    message: (text) => void told.push(["message", text]),
    failed: (text) => void told.push(["failed", text]),
    closed: (code, reason) => void told.push(["closed", code, reason]),
  };
  const link = platform.open("wss://x", events);
  return { link, told };
}

describe("wxPlatform()", () => {
  test("registers its handlers before control returns, and passes on what they are told", () => {
    const task = new Task();
    const asked: Options[] = [];
    const api = {
      connectSocket: (options: Options) => {
        asked.push(options);
        return task;
      },
    };
    const { link, told } = openOn(wxPlatform(api));
    expect(asked[0]).toMatchObject({ url: "wss://x", tcpNoDelay: true });
    expect(asked[0]).not.toHaveProperty("protocols");
    expect(asked[0]?.["complete"]).toBeFunction();
    task.tell("open", { header: {} });
    task.tell("message", { data: "{}" });
    task.tell("close", { code: 1000, reason: "interrupted" });
    expect(told).toEqual([["opened"], ["message", "{}"], ["closed", 1000, "interrupted"]]);
    link.close();
    expect(task.closes).toEqual([1000]);
  });

  test("tells of a socket that cannot be made, later", async () => {
    const api = {
      connectSocket: ({ fail }: Options) => {
        (fail as Handler)({ errMsg: "createSocketTask:fail url not in domain list" });
      },
    };
    const { link, told } = openOn(wxPlatform(api));
    expect(told).toEqual([]);
    link.close();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(told).toEqual([["failed", "createSocketTask:fail url not in domain list"]]);
  });

  test("tells of an API that throws", async () => {
    const api = {
      connectSocket: () => {
        throw new Error("broken");
      },
    };
    const { told } = openOn(wxPlatform(api));
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(told).toEqual([["failed", "broken"]]);
  });
});

describe("the other platforms", () => {
  test("alipayPlatform() asks for more than one socket and reads nested messages", () => {
    const task = new Task();
    // Without `multiple` there is no task.
    const api = {
      connectSocket: ({ multiple }: Options) => (multiple === true ? task : undefined),
    };
    const { told } = openOn(alipayPlatform(api));
    task.tell("message", { data: { data: "{}", isBuffer: false } });
    task.tell("message", { data: "{}" });
    task.tell("error", { error: 20, errorMessage: "must be wss" });
    expect(told).toEqual([
      ["message", "{}"],
      ["message", "{}"],
      ["failed", "must be wss (error 20)"],
    ]);
  });

  test("douyinPlatform() reads close codes that are strings", () => {
    const task = new Task();
    const { told } = openOn(douyinPlatform({ connectSocket: () => task }));
    task.tell("close", { code: "4500", reason: "replaced" });
    task.tell("close", undefined);
    expect(told).toEqual([
      ["closed", 4500, "replaced"],
      ["closed", 1006, ""],
    ]);
  });

  test("uniPlatform() gives the callback without which there is no task", () => {
    const task = new Task();
    const api = {
      connectSocket: ({ complete }: Options) =>
        typeof complete === "function" ? task : Promise.resolve(task),
    };
    const { told } = openOn(uniPlatform(api));
    task.tell("open");
    expect(told).toEqual([["opened"]]);
  });

  test("taroPlatform() waits for the task it was promised", async () => {
    const task = new Task();
    const { link, told } = openOn(taroPlatform({ connectSocket: async () => task }));
    let failures = 0;
    link.send("early", () => {
      failures += 1;
    });
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(failures).toBe(1);
    link.send("now", () => undefined);
    task.tell("open");
    expect(task.sent).toEqual(["now"]);
    expect(told).toEqual([["opened"]]);
  });

  test("taroPlatform() closes a task that was promised before the close", async () => {
    const task = new Task();
    const { link } = openOn(taroPlatform({ connectSocket: async () => task }));
    link.close();
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(task.closes).toEqual([1000]);
  });
});

/** What the platforms hand to `fail` and `onError`, as documented and as reported. */
const ERRORS: readonly (readonly [what: string, error: unknown, text: string])[] = [
  [
    "WeChat's number beside its words",
    { errMsg: "createSocketTask:fail", errno: 600002 },
    "createSocketTask:fail (errno 600002)",
  ],
  [
    "WeChat's older number",
    { errCode: 1004, errMsg: "open fail: _code:20,_msg:Invalid HTTP status." },
    "open fail: _code:20,_msg:Invalid HTTP status. (errCode 1004)",
  ],
  ["WeChat's number without words", { errMsg: "", errno: 600001 }, "(errno 600001)"],
  [
    "Alipay's two members",
    { error: 4, errorMessage: "无法识别的 URL 格式" },
    "无法识别的 URL 格式 (error 4)",
  ],
  ["Alipay's number alone", { error: 5 }, "(error 5)"],
  [
    "Alipay's words behind an empty errMsg",
    { errMsg: "", errorMessage: "must be wss", error: 20 },
    "must be wss (error 20)",
  ],
  [
    "Douyin's number",
    { errMsg: "connectSocket:fail invalid url", errNo: 10301 },
    "connectSocket:fail invalid url (errNo 10301)",
  ],
  ["uni-app's code", { errMsg: "connectSocket:fail", code: -1 }, "connectSocket:fail (code -1)"],
  ["an error without a number", { errMsg: "fail interrupted", errCode: 0 }, "fail interrupted"],
  ["a text", "broken", "broken"],
  ["an object that nobody knows", { status: null }, '{"status":null}'],
  ["nothing", undefined, "undefined"],
];

describe("what a platform says went wrong", () => {
  test.each(ERRORS)("%s", (_, error, text) => {
    const task = new Task();
    const { told } = openOn(wxPlatform({ connectSocket: () => task }));
    task.tell("error", error);
    expect(told).toEqual([["failed", text]]);
  });
});

describe("the network", () => {
  const kindsOf = (platform: Platform): string[] => {
    const kinds: string[] = [];
    platform.findNetwork((kind) => kinds.push(kind));
    platform.onNetwork((_, kind) => kinds.push(kind));
    return kinds;
  };
  const networkApi = (networkType: string) => ({
    connectSocket: () => undefined,
    getNetworkType: ({ success }: Options) => (success as Handler)({ networkType }),
    onNetworkStatusChange: (run: Handler) => run({ isConnected: true, networkType: "wifi" }),
  });

  test("is found and told in the same words, also where those differ in case", () => {
    expect(kindsOf(alipayPlatform(networkApi("WIFI")))).toEqual(["wifi", "wifi"]);
  });

  test("is not found where there is none, and where nobody can be asked", () => {
    expect(kindsOf(wxPlatform(networkApi("none")))).toEqual(["wifi"]);
    expect(kindsOf(wxPlatform({ connectSocket: () => undefined }))).toEqual([]);
  });

  test("is not found where the question is turned away", async () => {
    const api = {
      connectSocket: () => undefined,
      getNetworkType: () => Promise.reject(new Error("denied")),
    };
    expect(kindsOf(taroPlatform(api))).toEqual([]);
    // A rejection that nobody handles would fail this test.
    await new Promise((resolve) => setTimeout(resolve, 0));
  });
});

describe("the language", () => {
  const connectSocket = () => undefined;
  const language = (name: string) => () => ({ language: name });
  const outdated = () => {
    throw new Error("wx.getSystemInfoSync is deprecated");
  };

  test.each([
    ["wx", wxPlatform({ connectSocket, getAppBaseInfo: language("zh_CN") }), "zh_CN"],
    ["wx of old", wxPlatform({ connectSocket, getSystemInfoSync: outdated }), ""],
    ["wx that fails", wxPlatform({ connectSocket, getAppBaseInfo: outdated }), ""],
    ["my", alipayPlatform({ connectSocket, getSystemInfoSync: language("zh-Hans") }), "zh-Hans"],
    ["tt", douyinPlatform({ connectSocket, getSystemInfoSync: language("en") }), "en"],
    ["uni", uniPlatform({ connectSocket, getAppBaseInfo: language("zh-Hans") }), "zh-Hans"],
    ["taro", taroPlatform({ connectSocket }), ""],
    ["a browser", browserPlatform({ WebSocket, navigator: { language: "zh-CN" } }), "zh-CN"],
    ["no browser", browserPlatform({ WebSocket }), ""],
  ])("of %s", (_, platform, expected) => {
    expect(platform.language()).toBe(expected);
  });
});
