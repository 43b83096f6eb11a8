import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { Fleet } from "../support/fleet.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const canary = (kind: string) => `canary-${kind}-${randomBytes(12).toString("hex")}`;

const PLACES = [
  ["GET", "/v1/devices"],
  ["GET", "/v1/devices/till-1/state"],
  ["POST", "/v1/devices/till-1/events"],
  ["POST", "/v1/devices/till-1/commands"],
  ["GET", "/v1/devices/till-1/commands?wait=0"],
  ["POST", "/v1/enroll"],
  ["POST", "/v1/tickets"],
  ["POST", "/v1/login/session"],
  ["POST", "/v1/login/wechat"],
  ["POST", "/api/publish"],
  ["GET", "/metrics"],
  ["GET", "/login"],
  ["POST", "/connection/uni_sse"],
  ["POST", "/emulation"],
  ["GET", "/nowhere"],
] as const;

describe.each(TARGETS)("secrets at $name", (target) => {
  test("are in no log line, no figure and no answer, wherever somebody puts them", async () => {
    const own = {
      token: canary("token-secret").padEnd(64, "x"),
      fleet: canary("fleet-key"),
      metrics: canary("metrics-key"),
      webhook: `whsec_${Buffer.from(canary("webhook").slice(0, 32)).toString("base64")}`,
      session: canary("session-secret").padEnd(64, "y"),
    };
    await using fleet = await Fleet.start(target, {
      log: { level: "debug" },
      tokens: { secret: own.token },
      devices: { fleet_keys: [own.fleet] },
      metrics: { keys: [own.metrics] },
      sessions: { secret: own.session },
      // Nobody listens there: what fails is logged.
      webhooks: { backend: { url: "http://127.0.0.1:9/", secret: own.webhook } },
    });
    const { server } = fleet;
    const till = await fleet.addDevice("till-1");
    const thrown: string[] = [];
    let answers = "";
    answers += await throwEverywhere(server.url, thrown);
    for (const token of [
      signToken({ sub: "u" }, canary("other").padEnd(64, "z")),
      signToken({ sub: "u", exp: 1 }, own.token),
    ]) {
      thrown.push(token.split(".")[2] ?? "");
      using socket = await FrameSocket.open(`${server.wsUrl}/connection/websocket`);
      socket.send(JSON.stringify({ id: 1, connect: { token } }));
      await socket.end();
      using bare = await FrameSocket.open(`${server.wsUrl}/login?token=${token}`);
      await bare.end();
      answers += [...socket.frames.items, ...bare.frames.items].join("\n");
    }
    await till.ask("POST", "/events", { body: { type: "t", data: 1 } });
    const figures = await fetch(`${server.url}/metrics`, {
      headers: { authorization: `Bearer ${own.metrics}` },
    });
    expect(figures.status).toBe(200);
    const everything = `${answers}${await figures.text()}`;
    expect(await server.stop()).toBe(0);
    const seen = `${everything}${server.output}`;
    expect(server.output).toContain("http.refused");
    const leaked = [...thrown, ...Object.values(own), till.secret].filter((it) =>
      seen.includes(it),
    );
    expect(leaked).toEqual([]);
  });
});

/** Puts a new one into every place, notes it, and gives all that is answered. */
async function throwEverywhere(origin: string, thrown: string[]): Promise<string> {
  let answers = "";
  for (const [method, path] of PLACES) {
    for (const put of PUTS) {
      const secret = canary("thrown");
      thrown.push(secret);
      const {
        url,
        headers,
        body = `{"type":"t","secret":"${secret}"`,
      } = put(`${origin}${path}`, secret);
      const signal = AbortSignal.timeout(2_000);
      const answer = await fetch(url, {
        method,
        headers,
        signal,
        ...(method === "POST" && { body }),
      });
      answers += `${JSON.stringify([...answer.headers])}${await answer.text()}`;
    }
  }
  return answers;
}

interface Thrown {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body?: string;
}

/** Where somebody could put a secret, rightly or by mistake. */
const PUTS: readonly ((url: string, secret: string) => Thrown)[] = [
  (url, secret) => ({ url, headers: { authorization: `Bearer ${secret}` } }),
  (url, secret) => ({ url, headers: { authorization: `apikey ${secret}` } }),
  (url, secret) => ({ url, headers: { "x-api-key": secret } }),
  (url, secret) => ({ url, headers: { cookie: `session=${secret}` } }),
  (url, secret) => ({ url: withQuery(url, `ticket=${secret}`), headers: {} }),
  (url, secret) => ({ url: withQuery(url, `token=${secret}`), headers: {} }),
  (url, secret) => ({ url: withQuery(url, `api_key=${secret}`), headers: {} }),
  (url, secret) => ({
    url,
    headers: {},
    body: JSON.stringify({ key: secret, session: secret, code: secret, token: secret }),
  }),
];

function withQuery(url: string, query: string): string {
  return `${url}${url.includes("?") ? "&" : "?"}${query}`;
}
