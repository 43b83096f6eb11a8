import { describe, expect, test } from "bun:test";
import type { HoldSeen } from "../../../src/doctor/hold.ts";
import type { Answer } from "../../../src/doctor/http-exchange.ts";
import { judgeBackend, judgeDevice } from "../../../src/doctor/judge-device.ts";
import { judgeFront, judgePlain } from "../../../src/doctor/judge-front.ts";
import { judgeNetwork } from "../../../src/doctor/judge-network.ts";
import { judgeHold, judgeSockets } from "../../../src/doctor/judge-sockets.ts";
import type { Asked } from "../../../src/doctor/observe-front.ts";
import type { SocketSeen, SocketsSeen } from "../../../src/doctor/observe-sockets.ts";
import { parseTarget, type Target } from "../../../src/doctor/target.ts";

const NOW_MS = Date.UTC(2026, 5, 1);

function answer(status: number, body: unknown = "", headers: Record<string, string> = {}): Answer {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { status, headers: new Map(Object.entries(headers)), body: text };
}

function asked(given: Answer, tookMs = 10): Asked {
  return { answer: given, sentMs: NOW_MS, tookMs };
}

function problem(status: number, members: object = {}, serverMs = NOW_MS): Answer {
  return answer(status, { code: "path_unknown", server_time: serverMs, ...members });
}

function codes(findings: readonly { readonly code: string; readonly severity: string }[]) {
  return findings.filter(({ severity }) => severity !== "ok").map(({ code }) => code);
}

describe("judgeNetwork()", () => {
  const open = { address: "203.0.113.7", tookMs: 3 };
  const closed = { address: "2001:db8::7", trouble: "refused" } as const;
  test.each([
    ["a name that leads nowhere", [], ["name_missing"]],
    ["an open port", [open], []],
    ["a closed port", [closed], ["port_closed"]],
    ["one closed address of two", [open, closed], ["address_closed"]],
    ["a private address", [{ address: "10.0.0.1", tookMs: 1 }], ["name_private"]],
  ])("of %s", (_, addresses, wanted) => {
    const seen = { host: "push.example.com", port: 443, addresses, lookupCode: "ENOTFOUND" };
    expect(codes(judgeNetwork(seen))).toEqual(wanted);
  });
});

describe("judgeFront()", () => {
  const ready = asked(answer(200, { status: "ready", server_time: NOW_MS }));
  test.each<[string, Asked, Asked, string[]]>([
    ["Posthorn", asked(problem(404)), ready, []],
    ["nothing", { trouble: "no_http", tookMs: 1 }, ready, ["http_missing"]],
    ["HTTP/2 alone", { trouble: "http2", tookMs: 1 }, ready, ["http2_only"]],
    [
      "a web server",
      asked(answer(404, "<title>404 Not Found</title>")),
      ready,
      ["posthorn_missing"],
    ],
    ["JSON of somebody else", asked(answer(404, { error: "no" })), ready, ["posthorn_missing"]],
    ["another time", asked(problem(404, {}, NOW_MS + 60_000)), ready, ["clock_skewed"]],
    ["an earlier time", asked(problem(404, {}, NOW_MS - 60_000)), ready, ["clock_skewed"]],
    ["a store that failed", asked(problem(404)), asked(problem(503)), ["posthorn_unready"]],
  ])("of %s", (_, ...[unknown, readiness, wanted]) => {
    expect(codes(judgeFront({ unknown, ready: readiness }))).toEqual(wanted);
  });

  test("names what stands in front, and quotes the page's title", () => {
    const page = answer(502, "<html><title>502 Bad\nGateway</title>", { server: "nginx/1.22.1" });
    const findings = judgeFront({ unknown: asked(page), ready });
    expect(findings.map(({ values }) => values)).toEqual([
      { status: 502, page: "502 Bad Gateway" },
      { names: "server: nginx/1.22.1" },
    ]);
  });

  test.each<[Asked, string]>([
    [{ trouble: "refused", tookMs: 1 }, "plain_closed"],
    [asked(answer(308, "", { location: "https://a.example/" })), "plain_redirects"],
    [asked(answer(302, "", { location: "http://a.example/" })), "plain_open"],
    [asked(answer(200)), "plain_open"],
  ])("judgePlain(%j) is %s", (plain, code) => {
    expect(judgePlain(plain).code).toBe(code as never);
  });
});

const TARGET = parseTarget("https://push.example.com") as Target;
const HELLO: SocketSeen = {
  kind: "open",
  tookMs: 5,
  first: { kind: "text", text: '{"push":{"connect":{"client":"c"}}}' },
  pongMs: 2,
};
const OPEN: SocketSeen = { kind: "open", tookMs: 5 };
const DENIED: SocketSeen = { kind: "refused", answer: problem(403, { code: "origin_denied" }) };
const GOOD: SocketsSeen = {
  login: HELLO,
  protocol: HELLO,
  ownSubprotocol: { ...OPEN, protocol: "centrifuge-json" },
  foreignSubprotocol: OPEN,
  foreignPage: DENIED,
  miniProgram: OPEN,
  arrived: { host: "push.example.com", connection: "Upgrade" },
};
const CLOSED: SocketSeen = {
  ...OPEN,
  first: { kind: "closed", code: 3501, reason: "bad request" },
};
const EXPIRED: SocketSeen = {
  ...OPEN,
  first: { kind: "text", text: '{"id":1,"error":{"code":109,"message":"token expired"}}' },
};
const STRIPPED: SocketSeen = {
  kind: "refused",
  answer: problem(426, {
    code: "upgrade_missing",
    detail: "removed",
    fix: ["nginx: add", "Caddy"],
  }),
};
const BLOCKED: SocketSeen = { kind: "refused", answer: answer(502, "<title>Bad Gateway</title>") };

describe("judgeSockets()", () => {
  test.each<[string, Partial<SocketsSeen>, object, string[]]>([
    ["all is well", {}, {}, []],
    ["visitors are turned away", { login: CLOSED, protocol: CLOSED }, {}, []],
    ["a ticket is refused", { login: CLOSED }, { ticket: "t" }, ["sign_in_refused"]],
    ["a token has expired", { protocol: EXPIRED }, { token: "t" }, ["sign_in_refused"]],
    ["the proxy strips headers", { login: STRIPPED, protocol: STRIPPED }, {}, ["socket_refused"]],
    ["somebody else answers", { login: BLOCKED }, {}, ["socket_blocked"]],
    ["nothing comes", { login: OPEN }, {}, ["socket_dumb"]],
    ["it is cut at once", { login: { ...OPEN, first: { kind: "cut" } } }, {}, ["socket_dumb"]],
    [
      "no pong comes",
      { login: { kind: "open", tookMs: 1, first: HELLO.first } as SocketSeen },
      {},
      ["pong_missing"],
    ],
    [
      "the handshake is cut off",
      { login: { kind: "failed", trouble: "reset" } },
      {},
      ["socket_failed"],
    ],
    [
      "Connection arrives as close",
      { arrived: { host: "push.example.com", connection: "close" } },
      {},
      ["connection_lost"],
    ],
    [
      "Host arrives as the upstream",
      { arrived: { host: "back:8077", connection: "upgrade" } },
      {},
      ["host_lost"],
    ],
    [
      "Host arrives without its port",
      { arrived: { host: "PUSH.example.com:443", connection: "keep-alive, Upgrade" } },
      {},
      [],
    ],
    ["nobody tells what arrived", { arrived: undefined as never }, {}, []],
    ["no subprotocol is confirmed", { ownSubprotocol: OPEN }, {}, ["subprotocol_lost"]],
    [
      "any subprotocol is confirmed",
      { foreignSubprotocol: { ...OPEN, protocol: "posthorn-doctor" } },
      {},
      ["subprotocol_foreign"],
    ],
    ["any page is let in", { foreignPage: OPEN }, {}, ["page_let_in"]],
    ["mini-programs are refused", { miniProgram: BLOCKED }, {}, ["mini_program_refused"]],
  ])("when %s", (_, ...[seen, credentials, wanted]) => {
    expect(codes(judgeSockets({ ...GOOD, ...seen }, TARGET, credentials))).toEqual(wanted);
  });

  test("hands on what Posthorn says is to be mended where no proxy is to blame", () => {
    const given = problem(400, { code: "handshake_malformed", fix: ["One", "Two"] });
    const [found] = judgeSockets(
      { ...GOOD, login: { kind: "refused", answer: given } },
      TARGET,
      {},
    );
    expect(found?.values).toMatchObject({ code: "handshake_malformed", fix: "One; Two" });
  });

  test.each([
    [{ server: "nginx/1.22.1" }, "upgrade_missing", "upgrade_nginx"],
    [{ via: "1.1 Caddy" }, "upgrade_missing", "upgrade_caddy"],
    [{ server: "Apache/2.4.62 (Debian)" }, "websocket_expected", "upgrade_apache"],
    [{}, "upgrade_missing", "upgrade_front"],
    [{ server: "openresty" }, "path_unknown", "path_nginx"],
  ])(
    "names the remedy for the proxy in front alone, of %j that caused %s",
    (headers, code, word) => {
      const { body } = problem(426, { code, fix: ["nginx: add", "Caddy: remove"] });
      const refused: SocketSeen = { kind: "refused", answer: answer(426, body, headers) };
      const [found, ...others] = judgeSockets(
        { ...GOOD, login: refused, protocol: refused },
        TARGET,
        {},
      );
      expect(found?.values).toMatchObject({ path: "/login, /connection/websocket", fix: { word } });
      expect(others).toEqual([]);
    },
  );
});

describe("judgeHold()", () => {
  const cut = (heldMs: number, silentMs: number): HoldSeen => ({
    heldMs,
    silentMs,
    heartbeats: 1,
    end: { kind: "cut" },
  });
  test.each<[HoldSeen, string, string | undefined]>([
    [{ heldMs: 35_000, silentMs: 3_000, heartbeats: 1 }, "idle_kept", undefined],
    [cut(80_400, 60_100), "idle_cut", "idle_60"],
    [cut(120_000, 100_500), "idle_cut", "idle_100"],
    [cut(351_000, 350_200), "idle_cut", "idle_350"],
    [cut(30_100, 12_000), "idle_cut", "life_30"],
    [cut(2_000, 2_000), "idle_cut", "idle_own"],
    [
      {
        heldMs: 9_000,
        silentMs: 1,
        heartbeats: 0,
        end: { kind: "closed", code: 4002, reason: "" },
      },
      "idle_closed",
      undefined,
    ],
  ])("judgeHold(%j) is %s", (seen, code, whose) => {
    const found = judgeHold(seen);
    expect(found.code).toBe(code as never);
    expect(found.values["whose"]).toEqual(
      whose === undefined ? undefined : ({ word: whose } as never),
    );
  });
});

describe("judgeDevice() and judgeBackend()", () => {
  const stored = asked(answer(200, { results: [{ offset: 7 }], server_time: NOW_MS }));
  const held = asked(answer(204), 25_030);
  test.each<[string, Asked, Asked, string[]]>([
    ["all is well", stored, held, []],
    ["a command was waiting", stored, asked(answer(200, { commands: [], server_time: 1 })), []],
    [
      "the secret is wrong",
      asked(problem(401)),
      asked(problem(401)),
      ["event_refused", "poll_refused"],
    ],
    [
      "a gateway gives up on the poll",
      stored,
      asked(answer(504, "<title>504</title>"), 2_000),
      ["poll_cut"],
    ],
    ["the poll is cut", stored, { trouble: "ended", tookMs: 2_000 }, ["poll_cut"]],
    ["the proxy takes no posts", asked(answer(413, "<title>413</title>")), held, ["event_refused"]],
    [
      "the event is not stored",
      asked(answer(200, { results: [{ error: {} }] })),
      held,
      ["event_refused"],
    ],
  ])("when %s", (_, ...[post, poll, wanted]) => {
    expect(codes(judgeDevice({ post, poll }, 25))).toEqual(wanted);
  });

  test.each<[Asked, string]>([
    [asked(answer(200, { result: { nodes: [] } })), "api_answered"],
    [asked(answer(401, { code: "api_key_wrong", detail: "no" })), "api_refused"],
    [asked(answer(200, { error: { code: 100 } })), "api_refused"],
    [asked(answer(200, "<html>")), "api_refused"],
    [{ trouble: "timeout", tookMs: 1 }, "api_refused"],
  ])("judgeBackend(%j) is %s", (seen, code) => {
    expect(judgeBackend(seen).code).toBe(code as never);
  });
});
