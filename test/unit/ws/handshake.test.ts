import { describe, expect, test } from "bun:test";
import {
  checkHandshake,
  type HandshakeOffer,
  type HandshakeRefusal,
  refusedByRuntime,
} from "../../../src/ws/handshake.ts";
import { refusalResponse } from "../../../src/ws/handshake-refusal.ts";

const RIGHT: Readonly<Record<string, string>> = {
  host: "test.ws.com",
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-version": "13",
};

interface Changes {
  readonly method?: string;
  readonly path?: string;
  /** Laid over the headers of a right handshake; null takes one away. */
  readonly headers?: Readonly<Record<string, string | null>>;
}

function check({ method = "GET", path = "/login", headers = {} }: Changes = {}) {
  const entries = Object.entries({ ...RIGHT, ...headers }).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  return checkHandshake(method, path, new Headers(entries));
}

function accepted(changes: Changes = {}): HandshakeOffer {
  const answer = check(changes);
  if (answer.kind !== "upgrade") throw new Error(`It was not accepted: ${JSON.stringify(answer)}`);
  return answer;
}

function refused(changes: Changes): HandshakeRefusal {
  const answer = check(changes);
  if (answer.kind !== "refused") throw new Error(`It was not refused: ${JSON.stringify(answer)}`);
  return answer;
}

/** A request without any sign of a websocket. */
const UNSIGNED = { "sec-websocket-key": null, "sec-websocket-version": null };

const VERSION_LINE = "proxy_http_version 1.1;";
const UPGRADE_LINE = "proxy_set_header Upgrade $http_upgrade;";
const CONNECTION_LINE = "proxy_set_header Connection $connection_upgrade;";

describe("checkHandshake() accepts", () => {
  test.each<[what: string, Changes]>([
    ["a right handshake on /login", {}],
    ["a right handshake on /connection/websocket", { path: "/connection/websocket" }],
    ["a right handshake on /connection/uni_websocket", { path: "/connection/uni_websocket" }],
    ["upgrade among other tokens", { headers: { connection: "keep-alive, Upgrade" } }],
    ["any case", { headers: { upgrade: "WebSocket", connection: "UPGRADE" } }],
    ["websocket among other protocols", { headers: { upgrade: "h2c, websocket" } }],
    ["a declared body of no length", { headers: { "content-length": "0" } }],
  ])("%s", (_, changes) => {
    expect(accepted(changes).oddities).toEqual([]);
  });

  test.each([
    ["connection_incomplete", "C: Connection not set", { connection: "close" }],
    ["connection_incomplete", "no Connection at all", { connection: null }],
    ["connection_quoted", "upgrade in quotes", { connection: '"upgrade"' }],
  ])("with the oddity %s, %s", (code, _, headers) => {
    const { oddities } = accepted({ headers });
    expect(oddities).toMatchObject([{ code }]);
    expect(oddities[0]?.text).toContain("other servers reject this");
    expect(oddities[0]?.text).toContain(CONNECTION_LINE);
  });

  test.each([
    ["https://test.ws.com", "back", true],
    ["https://test.ws.com", "127.0.0.1:8077", true],
    ["https://test.ws.com", "[::1]:8077", true],
    ["https://test.ws.com", "test.ws.com", false],
    ["https://page.example.com", "test.ws.com", false],
    ["http://localhost:5173", "127.0.0.1:8077", false],
    ["http://192.168.1.5", "192.168.1.5:8077", false],
    ["null", "back", false],
    ["weapp://wechat-game-runtime", "back", false],
    [null, "back", false],
  ])("the Origin %p with the Host %s, and finds it odd: %p", (origin, host, isOdd) => {
    const codes = accepted({ headers: { origin, host } }).oddities.map(({ code }) => code);
    expect(codes).toEqual(isOdd ? ["host_not_forwarded"] : []);
  });

  test.each([
    [null, undefined],
    ["centrifuge-json", "centrifuge-json"],
    ["centrifuge-protobuf, centrifuge-json", "centrifuge-json"],
    ["centrifuge-protobuf", undefined],
    ["mqtt, wamp", undefined],
  ])("the offered subprotocols %p and confirms %p", (offered, confirmed) => {
    const offer = accepted({ headers: { "sec-websocket-protocol": offered } });
    expect(offer.protocol).toBe(confirmed as string);
    expect("protocol" in offer).toBe(confirmed !== undefined);
  });
});

describe("checkHandshake() takes for plain HTTP", () => {
  test.each<[what: string, Changes]>([
    [
      "F: a post behind a constant Connection",
      { method: "POST", path: "/v1/devices/42/events", headers: { upgrade: null, ...UNSIGNED } },
    ],
    [
      "a post behind a constant Connection and Upgrade",
      { method: "POST", path: "/v1/devices/42/events", headers: UNSIGNED },
    ],
    ["a poll behind both", { path: "/v1/devices/42/commands", headers: UNSIGNED }],
    ["a post with a key, on no websocket path", { method: "POST", path: "/v1/devices" }],
    ["a post without one on a websocket path", { method: "POST", headers: UNSIGNED }],
    ["a get", { path: "/healthz", headers: { upgrade: null, connection: null, ...UNSIGNED } }],
  ])("%s", (_, changes) => {
    expect(check(changes)).toEqual({ kind: "plain" });
  });
});

describe("checkHandshake() refuses", () => {
  test.each([
    {
      what: "A and B: no Upgrade, Connection: close",
      headers: { upgrade: null, connection: "close" },
      detail: "your proxy removed the Upgrade header",
      names: [VERSION_LINE, UPGRADE_LINE, CONNECTION_LINE],
      leavesOut: [],
    },
    {
      what: "neither Upgrade nor Connection",
      headers: { upgrade: null, connection: null },
      detail: "your proxy removed the Upgrade header",
      names: [VERSION_LINE, UPGRADE_LINE, CONNECTION_LINE],
      leavesOut: [],
    },
    {
      what: "D: Connection: upgrade, no Upgrade",
      headers: { upgrade: null, connection: "upgrade" },
      detail: "'websocket' token not found in 'Upgrade' header",
      names: [UPGRADE_LINE],
      leavesOut: [VERSION_LINE, CONNECTION_LINE],
    },
    {
      what: "another protocol",
      headers: { upgrade: "h2c" },
      detail: "'websocket' token not found in 'Upgrade' header",
      names: [UPGRADE_LINE],
      leavesOut: [VERSION_LINE, CONNECTION_LINE],
    },
  ])("$what, and names the missing lines", ({ headers, detail, names, leavesOut }) => {
    const refusal = refused({ headers });
    expect(refusal).toMatchObject({ status: 426, code: "upgrade_missing" });
    expect(refusal.detail).toContain(detail);
    const [nginx = "", ...rest] = refusal.fix;
    for (const line of names) expect(nginx).toContain(line);
    for (const line of leavesOut) expect(nginx).not.toContain(line);
    expect(rest.map((line) => line.split(/[ :]/)[0])).toEqual(["Caddy", "Apache", "Cloud"]);
  });

  test.each([
    ["8", 'got version "8", wanted 13'],
    ["13, 13", 'got version "13, 13", wanted 13'],
    [null, "got no Sec-WebSocket-Version, wanted 13"],
  ])("the version %p with 426", (version, detail) => {
    const refusal = refused({ headers: { "sec-websocket-version": version } });
    expect(refusal).toMatchObject({ status: 426, code: "version_unsupported", detail });
  });

  test.each<[Changes, string]>([
    [{ method: "POST" }, 'got the method "POST"'],
    [{ headers: { "sec-websocket-key": null } }, "got no Sec-WebSocket-Key"],
    [{ headers: { "sec-websocket-key": "" } }, 'got the Sec-WebSocket-Key ""'],
    [{ headers: { "sec-websocket-key": "c2hvcnQ=" } }, 'got the Sec-WebSocket-Key "c2hvcnQ="'],
    [
      { headers: { "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZ!==" } },
      'got the Sec-WebSocket-Key "dGhlIHNhbXBsZSBub25jZ!=="',
    ],
    [{ headers: { "content-length": "3" } }, "got a body"],
    [{ headers: { "transfer-encoding": "chunked" } }, "got a body"],
    [{ headers: UNSIGNED }, "got no Sec-WebSocket-Key"],
  ])("%j with 400", (changes, detail) => {
    const refusal = refused(changes);
    expect(refusal).toMatchObject({ status: 400, code: "handshake_malformed" });
    expect(refusal.detail).toContain(detail);
  });

  test.each([
    ["/foo", "is your proxy stripping the prefix?"],
    ["/", "is your proxy stripping the prefix?"],
    ["/ws/login", "is your proxy keeping a prefix that it should strip?"],
    ["/login/", "is your proxy stripping the prefix?"],
  ])("the path %s with 404 and a suspicion", (path, suspicion) => {
    const refusal = refused({ path });
    const wanted = "endpoints are /connection/websocket, /connection/uni_websocket, /login";
    expect(refusal).toMatchObject({ status: 404, code: "path_unknown" });
    expect(refusal.detail).toBe(`got a WebSocket handshake on "${path}"; ${wanted} - ${suspicion}`);
    expect(refusal.fix.join("\n")).toContain("nothing after the port");
  });

  test("a look at a websocket path with a browser, with 426", () => {
    const headers = { upgrade: null, connection: "keep-alive", ...UNSIGNED };
    expect(refused({ headers })).toMatchObject({ status: 426, code: "websocket_expected" });
  });

  test("and keeps what it saw, cut to a bounded length", () => {
    const headers = { connection: "close", upgrade: null, "sec-websocket-key": "x".repeat(9000) };
    expect(refused({ headers }).seen).toEqual({
      Host: "test.ws.com",
      Upgrade: null,
      Connection: "close",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "x".repeat(200),
    });
    expect(refused({ path: `/${"x".repeat(9000)}` }).detail.length).toBeLessThan(300);
  });
});

describe("refusedByRuntime()", () => {
  test("names the Connection header when it was odd", () => {
    const refusal = refusedByRuntime(accepted({ headers: { connection: '"upgrade"' } }));
    expect(refusal).toMatchObject({ kind: "refused", status: 426, code: "upgrade_missing" });
    expect(refusal.detail).toContain("'upgrade' token not found in 'Connection' header");
    expect(refusal.fix[0]).toContain(CONNECTION_LINE);
    expect(refusal.seen["Connection"]).toBe('"upgrade"');
  });

  test("does not guess otherwise", () => {
    const refusal = refusedByRuntime(accepted());
    expect(refusal).toMatchObject({ status: 400, code: "handshake_refused", fix: [] });
  });
});

describe("refusalResponse()", () => {
  const BARE = { headers: { upgrade: null, connection: "close" } };

  test("is a problem that says what was seen and what to do", async () => {
    const refusal = refused(BARE);
    const response = refusalResponse(refusal, null, 1_700_000_000_000);
    expect(response.status).toBe(426);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("upgrade")).toBe("websocket");
    expect(response.headers.get("sec-websocket-version")).toBeNull();
    expect(await response.json()).toEqual({
      type: "about:blank",
      title: "Cannot open websocket",
      status: 426,
      code: "upgrade_missing",
      detail: refusal.detail,
      server_time: 1_700_000_000_000,
      seen: refusal.seen,
      fix: [...refusal.fix],
    });
  });

  test("tells the version it speaks to a client of another", () => {
    const refusal = refused({ headers: { "sec-websocket-version": "8" } });
    const { headers } = refusalResponse(refusal, null, 0);
    expect(headers.get("sec-websocket-version")).toBe("13");
    expect(headers.get("upgrade")).toBe("websocket");
  });

  test("asks for no upgrade where that would not help", () => {
    expect(refusalResponse(refused({ path: "/foo" }), null, 0).headers.get("upgrade")).toBeNull();
  });

  test.each([
    ["text/plain", true],
    ["text/plain, */*;q=0.8", true],
    ["text/*", true],
    ["application/json;q=0.5, text/plain;q=0.6", true],
    ["application/json, text/plain, */*", false],
    ["text/plain;q=0.5, application/problem+json", false],
    ["text/html, */*;q=0.8", false],
    ["*/*", false],
    ["text/plain;q=much", false],
    ["", false],
  ])("takes Accept: %s for a wish for text: %p", async (accept, isText) => {
    const response = refusalResponse(refused(BARE), accept, 0);
    expect(response.headers.get("content-type")?.startsWith("text/plain")).toBe(isText);
  });

  test("says the same as text", async () => {
    const refusal = refused(BARE);
    const text = await refusalResponse(refusal, "text/plain", 0).text();
    expect(text).toStartWith(`Cannot open websocket: ${refusal.detail}\n`);
    expect(text).toContain("  Upgrade: (missing)\n  Connection: close\n");
    for (const line of refusal.fix) expect(text).toContain(`  ${line}\n`);
  });
});
