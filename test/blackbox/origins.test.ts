import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Posthorn, startPosthorn } from "../support/posthorn.ts";
import { RawConnection, rawRequest } from "../support/raw-http.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const HOST = "push.example.com:8077";
const LISTED = "https://app.example.com";

/** The header as it is written; undefined is none at all. */
const ORIGINS: readonly (readonly [what: string, origin: string | undefined, isLetIn: boolean])[] =
  [
    ["no origin: a terminal, or a mini-program", undefined, true],
    ["an empty one", "", true],
    ["a mini-game on iOS", "weapp://wechat-game-runtime", true],
    ["a mini-program on Android or in the devtools", "https://servicewechat.com", true],
    ["a mini-program's Referer", "https://servicewechat.com/wx12ab/0/page-frame.html", true],
    ["a page of this host", `https://${HOST}`, true],
    ["a page of this host by http", `http://${HOST}`, true],
    ["a listed page", LISTED, true],
    ["a foreign page", "https://evil.example.org", false],
    ["a page of another port of this host", "https://push.example.com:9999", false],
    ["a page whose name begins like this host", "https://push.example.com.evil.org", false],
    ["a page that begins like a mini-program", "https://servicewechat.com.evil.org", false],
    ["a page of nobody: a sandbox, or a file", "null", false],
  ];

interface Door {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** What somebody is answered who is let in, and says nothing of use then. */
  readonly status: number;
}

const DOORS: readonly Door[] = [
  { method: "GET", path: "/connection/websocket", status: 101 },
  { method: "GET", path: "/connection/uni_websocket", status: 101 },
  { method: "GET", path: "/login", status: 101 },
  { method: "GET", path: "/connection/sse", status: 400 },
  { method: "POST", path: "/connection/sse", status: 200 },
  { method: "POST", path: "/connection/http_stream", status: 200 },
  { method: "GET", path: "/connection/uni_sse?cf_connect=nonsense", status: 400 },
  { method: "POST", path: "/connection/uni_http_stream", status: 400 },
  { method: "POST", path: "/emulation", status: 400 },
];

describe.each(TARGETS)("an origin at $name", (target) => {
  test("is judged alike at every door of clients", async () => {
    await using server = await startPosthorn(target, {
      config: { clients: { allowed_origins: [LISTED] } },
    });
    for (const [what, origin, isLetIn] of ORIGINS) {
      const statuses = await Promise.all(DOORS.map((door) => knock(server, door, origin)));
      const wanted = DOORS.map(({ status }) => (isLetIn ? status : 403));
      expect([what, ...statuses]).toEqual([what, ...wanted]);
    }
    const codes = new Set(server.logged("handshake.failed").map((it) => it["code"]));
    expect([...codes]).toEqual(["origin_denied"]);
  });
});

async function knock(
  server: Posthorn,
  { method, path, status }: Door,
  origin: string | undefined,
): Promise<number> {
  using connection = await RawConnection.open(server.port);
  const handshake = [
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
  ];
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${HOST}`,
    ...(origin === undefined ? [] : [`Origin: ${origin}`]),
    ...(status === 101 ? handshake : []),
    ...(method === "POST" ? ["Content-Length: 8"] : []),
  ];
  connection.write(rawRequest(lines, method === "POST" ? "nonsense" : ""));
  return (await connection.answer()).status;
}
