import { describe, expect, test } from "bun:test";
import { explainCode, explainText } from "../../../src/sdk/explain.ts";

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
    ["Stream end encountered", "connection_lost"],
  ] as const)("%s means %s", (text, cause) => {
    const problem = explainText(text);
    expect(problem).toMatchObject({ cause, text });
    expect(problem.remedy.length).toBeGreaterThan(20);
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
    expect(explainCode(code, "words")).toMatchObject({ cause, code, text: "words" });
  });
});
