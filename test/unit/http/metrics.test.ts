import { expect, test } from "bun:test";
import { Hono } from "hono";
import { createApiKeys } from "../../../src/auth/api-keys.ts";
import type { Caller } from "../../../src/http/app-env.ts";
import { bindMetrics, type MetricsAccess } from "../../../src/http/metrics.ts";
import { toProblem } from "../../../src/http/problem.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { openPaces } from "../../support/open-paces.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const KEY = "k".repeat(24);
const FAR = "203.0.113.7";

interface Asking {
  readonly access?: Partial<MetricsAccess> & { readonly key?: string };
  readonly from?: string;
  readonly by?: string;
  readonly headers?: Record<string, string>;
}

async function ask({ access = {}, from = FAR, by, headers = {} }: Asking) {
  const { key, ...rest } = access;
  const keys = createApiKeys(key === undefined ? [] : [key]);
  const current = { keys, hasKeys: key !== undefined, local: true, public: false, ...rest };
  const app = new Hono<{ Bindings: Caller }>();
  app.onError((error) => toProblem(error, new FakeClock(), new RecordingLog()));
  bindMetrics(app, {
    metrics: { text: async () => "posthorn_users 1\n", contentType: "text/plain; version=0.0.4" },
    metricsAccess: { current },
    paces: openPaces(),
  });
  const env = {
    remoteAddress: from,
    ...(by !== undefined && { proxyAddress: by }),
    holdOpen: () => () => {},
    upgrade: () => false,
  };
  const answer = await app.fetch(new Request("http://h/metrics", { headers }), env);
  const text = await answer.text();
  return { status: answer.status, text, code: text.startsWith("{") ? JSON.parse(text).code : "" };
}

test.each([
  ["a key", { access: { key: KEY }, headers: { authorization: `Bearer ${KEY}` } }],
  ["this machine", { from: "127.0.0.1" }],
  ["this machine, although there are keys", { access: { key: KEY }, from: "::1" }],
  ["everyone where it is public", { access: { public: true } }],
])("/metrics is open to %s", async (_, asking) => {
  expect(await ask(asking)).toMatchObject({ status: 200, text: "posthorn_users 1\n" });
});

const WRONG = { status: 401, code: "metrics_key_wrong" };
const DENIED = { status: 403, code: "metrics_denied" };
const PROXIED = { "x-forwarded-for": FAR };
const FOREIGN = { origin: "https://evil.example" };

test.each([
  ["nobody from elsewhere", {}, DENIED],
  ["no wrong key", { access: { key: KEY }, headers: { authorization: "Bearer x" } }, WRONG],
  ["nobody without the key", { access: { key: KEY } }, WRONG],
  ["nobody to whom a proxy here lends its address", { from: "::1", headers: PROXIED }, DENIED],
  [
    "nobody through an nginx that was told nothing",
    { from: "::1", headers: { connection: "close" } },
    DENIED,
  ],
  ["nobody through a proxy we trust that adds nothing", { from: "::1", by: "::1" }, DENIED],
  ["nobody through a tunnel", { from: "::1", headers: { host: "push.example.com" } }, DENIED],
  ["no foreign page in a browser here", { from: "::1", headers: FOREIGN }, DENIED],
  ["not even this machine", { access: { local: false }, from: "127.0.0.1" }, DENIED],
])("/metrics is open to %s", async (_, asking, refusal) => {
  expect(await ask(asking)).toMatchObject(refusal);
});
