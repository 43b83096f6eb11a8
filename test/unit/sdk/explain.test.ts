import { describe, expect, test } from "bun:test";
import { explainCode, explainText } from "../../../src/sdk/explain.ts";
import { REMEDIES } from "../../../src/sdk/remedies.ts";

describe("explainText()", () => {
  test.each([
    ["createSocketTask:fail url not in domain list", "domain_not_listed"],
    ["createSocketTask:fail wcwss taskID=9 exceed max concurrent count", "too_many_sockets"],
    ["同时最多发起 2 个 socket 请求", "too_many_sockets"],
    ["exception onOpen fail code:20, msg:Invalid HTTP status.", "handshake_refused"],
    ["open fail: _code:20,_msg:Invalid HTTP status.", "handshake_refused"],
    ["exception onOpen fail code:8, msg:TLS handshake failed", "tls_failed"],
    ["exception onOpen fail code:9, msg:Timer Expired", "timed_out"],
    ["exception onOpen fail code:2, msg:Underlying Transport Error", "unreachable"],
    ["open fail: _code:21,_msg:A required HTTP header is missing", "headers_stripped"],
    ["fail interrupted", "app_hidden"],
    ["connectSocket:fail errno 600009", "url_invalid"],
    ["fail errno:600001, network error", "network_unknown"],
    ["connectSocket:fail (errno 600002)", "domain_not_listed"],
    ["接口参数无效 (error 2)", "url_invalid"],
    ["该 appId, socketTaskId 对应的 websocket 已存在 (error 3)", "too_many_sockets"],
    ["网络连接已经存在 (error 2)", "too_many_sockets"],
    ["无法识别的 URL 格式 (error 4)", "url_invalid"],
    ["URL 必须以 ws 或者 wss 开头 (error 5)", "url_invalid"],
    ["连接服务器超时 (error 6)", "timed_out"],
    ["服务器返回的证书无效 (error 7)", "tls_failed"],
    ["服务端返回协议头无效 (error 8)", "handshake_refused"],
    ["请求 URL 不支持 ws，请使用 wss (error 20)", "url_invalid"],
    ["unheard of (error 12)", "network_unknown"],
    ["unheard of (errno 4)", "network_unknown"],
    ["", "network_unknown"],
  ] as const)("%s means %s", (text, cause) => {
    const problem = explainText({ text, wasOpen: false }, "en");
    expect(problem).toMatchObject({ cause, text });
    expect(problem.remedy.length).toBeGreaterThan(20);
  });

  test("words that nobody knows mean a lost connection only where there was one", () => {
    const text = "Stream end encountered";
    expect(explainText({ text, wasOpen: true }, "en").cause).toBe("connection_lost");
    expect(explainText({ text, wasOpen: false }, "en").cause).toBe("network_unknown");
  });

  test.each([
    "Connection reset by peer",
    "ping timeout",
    "The network connection was lost",
    "fail errno:600001, network error",
    "exception onOpen fail code:2, msg:Underlying Transport Error",
    "exception onOpen fail code:8, msg:TLS handshake failed",
    "socket closed (error 7)",
  ])("%s blames nobody for the end of a socket that was open", (text) => {
    expect(explainText({ text, wasOpen: true }, "en")).toMatchObject({
      cause: "connection_lost",
      text,
    });
    expect(explainText({ text, wasOpen: false }, "en").cause).not.toBe("connection_lost");
  });

  test("the phone that cut the socket of a hidden app is named, open or not", () => {
    for (const wasOpen of [true, false]) {
      expect(explainText({ text: "fail interrupted", wasOpen }, "en").cause).toBe("app_hidden");
    }
  });

  test("the remedy is in the language that was asked for, the words stay as they are", () => {
    const text = "fail interrupted";
    const { remedy, text: words } = explainText({ text, wasOpen: true }, "zh");
    expect(remedy).toBe(REMEDIES.zh.app_hidden);
    expect(remedy).not.toBe(REMEDIES.en.app_hidden);
    expect(words).toBe(text);
  });
});

describe("explainCode()", () => {
  test.each([
    [103, "channel_denied"],
    [2000, "channel_denied"],
    [3500, "token_invalid"],
    [3501, "refused"],
    [4001, "ticket_refused"],
    [4002, "draining"],
    [4500, "replaced"],
  ] as const)("%p means %s", (code, cause) => {
    expect(explainCode(code, "words", "en")).toMatchObject({ cause, code, text: "words" });
  });
});
