import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Nginx } from "../support/nginx.ts";
import { type Posthorn, startPosthorn } from "../support/posthorn.ts";
import { type RawAnswer, RawConnection, rawRequest } from "../support/raw-http.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const HTTP11 = "proxy_http_version 1.1;";
const HOST = "proxy_set_header Host $http_host;";
const UPGRADE = "proxy_set_header Upgrade $http_upgrade;";
const CONNECTION = "proxy_set_header Connection $connection_upgrade;";
const GOOD = [HTTP11, HOST, UPGRADE, CONNECTION];

const REMOVED = "your proxy removed the Upgrade header, as it does when it speaks HTTP/1.0";

interface Mistake {
  /** The name by which nginx is asked for it. */
  readonly name: string;
  readonly lines: readonly string[];
  /** What stands behind the port in `proxy_pass`. */
  readonly target?: string;
  /** Of the request, what is not as in a right handshake. */
  readonly start?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Refused extends Mistake {
  readonly status: number;
  readonly code: string;
  /** What the answer and the log both say. */
  readonly says: readonly string[];
  readonly saysNot?: readonly string[];
}

const REFUSED: readonly Refused[] = [
  {
    name: "a-bare",
    lines: [],
    ...{ status: 426, code: "upgrade_missing", says: [REMOVED, HTTP11, UPGRADE, CONNECTION] },
  },
  {
    name: "b-only-version",
    lines: [HTTP11],
    ...{ status: 426, code: "upgrade_missing", says: [REMOVED, UPGRADE, CONNECTION] },
  },
  {
    name: "d-no-upgrade",
    lines: [HTTP11, HOST, CONNECTION],
    ...{ status: 426, code: "upgrade_missing" },
    says: ["'websocket' token not found in 'Upgrade' header", UPGRADE],
    saysNot: [HTTP11, CONNECTION],
  },
  {
    name: "another-version",
    lines: GOOD,
    headers: { "Sec-WebSocket-Version": "8" },
    ...{ status: 426, code: "version_unsupported", says: ["wanted 13"] },
  },
  {
    name: "a-post",
    lines: GOOD,
    start: "POST /login HTTP/1.1",
    ...{ status: 400, code: "handshake_malformed", says: ["POST", "wanted GET"] },
  },
  {
    name: "a-short-key",
    lines: GOOD,
    headers: { "Sec-WebSocket-Key": "c2hvcnQ=" },
    ...{ status: 400, code: "handshake_malformed", says: ["Sec-WebSocket-Key"] },
  },
  {
    name: "a-path-rewritten",
    lines: GOOD,
    target: "/foo",
    ...{ status: 404, code: "path_unknown" },
    says: ["/foo", "/login", "is your proxy stripping the prefix?", "not even a slash"],
  },
  {
    name: "a-foreign-page-without-host",
    lines: [HTTP11, UPGRADE, CONNECTION],
    headers: { Origin: "https://push.example.com" },
    ...{ status: 403, code: "origin_denied", says: ["clients.allowed_origins"] },
  },
];

interface Accepted extends Mistake {
  /** The event and the code under which the log warns; absent: it does not. */
  readonly warns?: readonly [event: "handshake.odd" | "proxy.odd", code: string, line: string];
  /** A runtime may insist on what is missing. */
  readonly needsLenience?: boolean;
}

const ACCEPTED: readonly Accepted[] = [
  { name: "right", lines: GOOD },
  {
    name: "c-no-connection",
    lines: [HTTP11, HOST, UPGRADE],
    warns: ["handshake.odd", "connection_incomplete", CONNECTION],
    needsLenience: true,
  },
  { name: "e-no-version", lines: [HOST, UPGRADE, CONNECTION] },
  { name: "constant", lines: [HTTP11, HOST, UPGRADE, "proxy_set_header Connection upgrade;"] },
  { name: "dropped", lines: [...GOOD, 'proxy_set_header Connection "";'] },
  {
    name: "misspelt",
    lines: [...GOOD, "proxy_set_header X-Real_IP $remote_addr;"],
    warns: ["proxy.odd", "real_ip_misspelt", "proxy_set_header X-Real-IP $remote_addr;"],
  },
  {
    name: "untrusted",
    lines: [...GOOD, "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"],
    warns: ["proxy.odd", "forwarded_untrusted", 'server.trusted_proxies = ["127.0.0.1"]'],
  },
];

describe.each(TARGETS)("behind a real nginx, $name", (target) => {
  test("names the line that is missing, in the answer and in the log", async () => {
    await using server = await startPosthorn(target);
    await using nginx = await startMistaken(server, REFUSED);
    for (const mistake of REFUSED) await expectRefusal(server, nginx, mistake);
    const unforwarded = server.logged("handshake.failed").at(-1);
    expect(JSON.stringify(unforwarded?.["fix"])).toContain(HOST);
  });

  test("works with what other servers refuse, and warns once", async () => {
    await using server = await startPosthorn(target);
    await using nginx = await startMistaken(server, ACCEPTED);
    for (const mistake of ACCEPTED.filter((it) => !it.needsLenience || target.lenientHandshake)) {
      const statuses = [await ask(nginx, mistake), await ask(nginx, mistake)].map(
        ({ status }) => status,
      );
      expect([mistake.name, ...statuses]).toEqual([mistake.name, 101, 101]);
      if (mistake.warns === undefined) continue;
      const [event, code, fix] = mistake.warns;
      const line = await server.waitForLog(event, (it) => it["code"] === code);
      expect(JSON.stringify(line)).toContain(JSON.stringify(fix).slice(1, -1));
    }
    const warned = [...server.logged("handshake.odd"), ...server.logged("proxy.odd")];
    const wanted = ACCEPTED.filter((it) => !it.needsLenience || target.lenientHandshake);
    expect(warned.map((it) => it["code"]).sort()).toEqual(
      wanted.flatMap(({ warns }) => warns?.[1] ?? []).sort(),
    );
  });

  test("takes a post behind a constant Connection header for a post", async () => {
    await using server = await startPosthorn(target);
    const lines = [HTTP11, HOST, "proxy_set_header Connection upgrade;"];
    await using nginx = await startMistaken(server, [{ name: "constant", lines }]);
    using connection = await RawConnection.open(nginx.port);
    connection.write(
      rawRequest(
        ["POST /v1/devices/42/events HTTP/1.1", "Host: constant", "Content-Length: 2"],
        "{}",
      ),
    );
    const { status, body } = await connection.answer();
    expect([status, JSON.parse(body).code]).toEqual([401, "secret_missing"]);
    expect(server.logged("handshake.failed")).toEqual([]);
  });

  test("hears nothing of X-Real_IP behind a second nginx, which drops it", async () => {
    await using server = await startPosthorn(target);
    const outer = [HTTP11, UPGRADE, CONNECTION, "proxy_set_header Host inner;"].join(" ");
    await using nginx = await Nginx.start(
      server.workspace,
      (port) => `
        map $http_upgrade $connection_upgrade { default upgrade; '' close; }
        server {
          listen 127.0.0.1:${port};
          server_name outer;
          location / { proxy_pass http://127.0.0.1:${port}; ${outer}
            proxy_set_header X-Real_IP $remote_addr; }
        }
        server {
          listen 127.0.0.1:${port};
          server_name inner;
          location / { proxy_pass http://127.0.0.1:${server.port}; ${GOOD.join(" ")} }
        }`,
    );
    expect((await ask(nginx, { name: "outer", lines: [] })).status).toBe(101);
    expect(server.logged("proxy.odd")).toEqual([]);
  });
});

/** One nginx with a virtual server for each mistake. */
function startMistaken(server: Posthorn, mistakes: readonly Mistake[]): Promise<Nginx> {
  return Nginx.start(server.workspace, (port) =>
    [
      "map $http_upgrade $connection_upgrade { default upgrade; '' close; }",
      ...mistakes.map(({ name, lines, target = "" }) => {
        const location = `location / { proxy_pass http://127.0.0.1:${server.port}${target}; ${lines.join(" ")} }`;
        return `server { listen 127.0.0.1:${port}; server_name ${name}; ${location} }`;
      }),
    ].join("\n"),
  );
}

async function expectRefusal(server: Posthorn, nginx: Nginx, mistake: Refused): Promise<void> {
  const { name, says, saysNot = [] } = mistake;
  const from = server.logs.items.length;
  const { status, body } = await ask(nginx, mistake);
  expect([name, status, JSON.parse(body).code]).toEqual([name, mistake.status, mistake.code]);
  const line = await server.waitForLog("handshake.failed", () => true, from);
  expect([name, line["code"]]).toEqual([name, mistake.code]);
  // Whose page was refused is told to whoever runs the server, in detail.
  const places = [JSON.stringify(line), ...(mistake.code === "origin_denied" ? [] : [body])];
  for (const place of places) {
    const found = says.filter((it) => place.includes(JSON.stringify(it).slice(1, -1)));
    expect([name, found]).toEqual([name, [...says]]);
  }
  for (const not of saysNot) expect(body).not.toContain(not);
}

async function ask(nginx: Nginx, { name, start, headers = {} }: Mistake): Promise<RawAnswer> {
  using connection = await RawConnection.open(nginx.port);
  const all = {
    Host: name,
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    ...headers,
  };
  const lines = Object.entries(all).map(([field, value]) => `${field}: ${value}`);
  connection.write(rawRequest([start ?? "GET /login HTTP/1.1", ...lines]));
  return await connection.answer();
}
