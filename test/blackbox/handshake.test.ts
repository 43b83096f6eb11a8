import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { FrameSocket } from "../support/frame-socket.ts";
import { type Posthorn, startPosthorn } from "../support/posthorn.ts";
import { type RawAnswer, RawConnection, rawRequest } from "../support/raw-http.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const HTTP_LINE = "proxy_http_version 1.1;";
const UPGRADE_LINE = "proxy_set_header Upgrade $http_upgrade;";
const CONNECTION_LINE = "proxy_set_header Connection $connection_upgrade;";

/** The lines of a right handshake, by what they are. */
const RIGHT = {
  start: "GET /login HTTP/1.1",
  host: "Host: test.ws.com",
  upgrade: "Upgrade: websocket",
  connection: "Connection: Upgrade",
  key: "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  version: "Sec-WebSocket-Version: 13",
};

type Changes = Partial<Record<keyof typeof RIGHT, string>>;

/** A right handshake with some lines replaced; "" leaves a line out. */
function handshake(changes: Changes): readonly string[] {
  return Object.values({ ...RIGHT, ...changes }).filter((line) => line !== "");
}

interface Refused {
  readonly what: string;
  readonly changes: Changes;
  readonly status: number;
  readonly code: string;
  /** What the answer must say. */
  readonly says: readonly string[];
  readonly saysNot?: readonly string[];
}

/** What arrives behind misconfigured proxies, row by row, and from odd clients. */
const REFUSED: readonly Refused[] = [
  {
    what: "A: a bare proxy_pass",
    changes: {
      start: "GET /login HTTP/1.0",
      host: "Host: back",
      upgrade: "",
      connection: "Connection: close",
    },
    status: 426,
    code: "upgrade_missing",
    says: [HTTP_LINE, UPGRADE_LINE, CONNECTION_LINE, "removed the Upgrade header"],
  },
  {
    what: "B: only proxy_http_version 1.1",
    changes: { host: "Host: back", upgrade: "", connection: "Connection: close" },
    status: 426,
    code: "upgrade_missing",
    says: [UPGRADE_LINE, CONNECTION_LINE, "removed the Upgrade header"],
  },
  {
    what: "D: Connection set, Upgrade not",
    changes: { upgrade: "" },
    status: 426,
    code: "upgrade_missing",
    says: [UPGRADE_LINE, "'websocket' token not found in 'Upgrade' header"],
    saysNot: [CONNECTION_LINE],
  },
  {
    what: "another version",
    changes: { version: "Sec-WebSocket-Version: 8" },
    status: 426,
    code: "version_unsupported",
    says: ["13"],
  },
  {
    what: "no version",
    changes: { version: "" },
    status: 426,
    code: "version_unsupported",
    says: ["13"],
  },
  {
    what: "a short key",
    changes: { key: "Sec-WebSocket-Key: c2hvcnQ=" },
    status: 400,
    code: "handshake_malformed",
    says: ["Sec-WebSocket-Key"],
  },
  {
    what: "no key",
    changes: { key: "" },
    status: 400,
    code: "handshake_malformed",
    says: ["Sec-WebSocket-Key"],
  },
  {
    what: "a POST",
    changes: { start: "POST /login HTTP/1.1" },
    status: 400,
    code: "handshake_malformed",
    says: ["POST", "GET"],
  },
  {
    what: "a path that a proxy rewrote",
    changes: { start: "GET /foo HTTP/1.1" },
    status: 404,
    code: "path_unknown",
    says: ["/foo", "/login", "/connection/websocket", "stripping the prefix"],
  },
  {
    what: "a page opened as a page",
    changes: { upgrade: "", connection: "Connection: keep-alive", key: "", version: "" },
    status: 426,
    code: "websocket_expected",
    says: ["new WebSocket("],
  },
];

/** Handshakes that are odd and work, and what the log warns of. */
const ACCEPTED: readonly { readonly what: string; readonly changes: Changes }[] = [
  { what: "a right one", changes: {} },
  {
    what: "capitals and a list",
    changes: { upgrade: "upgrade: WebSocket", connection: "connection: keep-alive, upgrade" },
  },
  { what: "E: over HTTP/1.0", changes: { start: "GET /login HTTP/1.0" } },
  { what: "on the other path", changes: { start: "GET /connection/websocket HTTP/1.1" } },
];

/** Handshakes that a strict server rejects for their Connection header, and the blog post's did. */
const LENIENT = [
  {
    what: "C: Upgrade set, Connection not",
    connection: "Connection: close",
    odd: "connection_incomplete",
  },
  { what: "no Connection at all", connection: "", odd: "connection_incomplete" },
  { what: "the blog post's quotes", connection: 'Connection: "upgrade"', odd: "connection_quoted" },
];

describe.each(TARGETS)("a handshake on $name", (target) => {
  test("that is none is answered with what was seen and how to mend it, and logged", async () => {
    await using server = await startPosthorn(target);
    for (const { what, changes, status, code, says, saysNot = [] } of REFUSED) {
      const answer = await ask(server, handshake(changes));
      expect([what, answer.status]).toEqual([what, status]);
      expect(answer.headers.get("content-type")).toContain("application/problem+json");
      if (status === 426) expect(answer.headers.get("upgrade")).toBe("websocket");
      const body = JSON.parse(answer.body);
      expect([what, body]).toEqual([
        what,
        expect.objectContaining({
          code,
          status,
          title: expect.any(String),
          detail: expect.any(String),
          server_time: expect.any(Number),
          fix: expect.any(Array),
          seen: expect.objectContaining({ Host: changes.host?.slice(6) ?? "test.ws.com" }),
        }),
      ]);
      for (const text of says)
        expect([what, answer.body.includes(text), text]).toEqual([what, true, text]);
      for (const text of saysNot)
        expect([what, answer.body.includes(text), text]).toEqual([what, false, text]);
      await server.waitForLog("handshake.failed", (line) => line["code"] === code);
    }
  });

  test("of a wrong version names the right one in a header", async () => {
    await using server = await startPosthorn(target);
    const answer = await ask(server, handshake({ version: "Sec-WebSocket-Version: 8" }));
    expect(answer.headers.get("sec-websocket-version")).toBe("13");
  });

  test("that failed is told as text to whoever asks for text", async () => {
    await using server = await startPosthorn(target);
    const answer = await ask(server, [...handshake({ upgrade: "" }), "Accept: text/plain"]);
    expect(answer.headers.get("content-type")).toContain("text/plain");
    expect(answer.body).toContain(UPGRADE_LINE);
    expect(answer.body).not.toStartWith("{");
  });

  test("that is good is accepted, however it is written", async () => {
    await using server = await startPosthorn(target);
    for (const { what, changes } of ACCEPTED) {
      const answer = await ask(server, handshake(changes));
      expect([what, answer.status]).toEqual([what, 101]);
      expect(answer.headers.get("sec-websocket-accept")).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
      expect(answer.headers.has("sec-websocket-protocol")).toBe(false);
      expect(answer.headers.has("sec-websocket-extensions")).toBe(false);
    }
    expect(server.logged("handshake.odd")).toEqual([]);
  });

  test("without a proper Connection header is accepted with a warning, or told what this runtime lacks", async () => {
    await using server = await startPosthorn(target);
    for (const { what, connection, odd } of LENIENT) {
      const answer = await ask(server, handshake({ connection }));
      expect([what, answer.status]).toEqual([what, target.lenientHandshake ? 101 : 426]);
      if (target.lenientHandshake) {
        await server.waitForLog("handshake.odd", (line) => line["code"] === odd);
      } else {
        expect(answer.body).toContain("upgrade_missing");
        expect(answer.body).toContain(CONNECTION_LINE);
      }
    }
  });

  test("of a mini-game's odd origin or its own host's is accepted", async () => {
    await using server = await startPosthorn(target);
    const origins = ["weapp://wechat-game-runtime", `http://127.0.0.1:${server.port}`];
    for (const origin of origins) {
      using socket = await FrameSocket.open(`${server.wsUrl}/login`, { headers: { origin } });
      await socket.line(({ push }) => push?.connect !== undefined, "the connect push");
    }
  });
});

async function ask(server: Posthorn, request: readonly string[]): Promise<RawAnswer> {
  using connection = await RawConnection.open(server.port);
  connection.write(rawRequest(request));
  return await connection.answer();
}
