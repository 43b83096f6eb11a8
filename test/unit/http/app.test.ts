import { describe, expect, test } from "bun:test";
import { deflateSync, gzipSync } from "node:zlib";
import { createDeviceEvents } from "../../../src/core/device-events.ts";
import { Fault } from "../../../src/core/faults.ts";
import type { AppServices } from "../../../src/http/app.ts";
import { createApp } from "../../../src/http/app.ts";
import type { ConnectionGate } from "../../../src/http/connection-gate.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createFakeEntropy } from "../../support/fake-entropy.ts";
import { gatewayWorld } from "../../support/gateway-world.ts";
import { MemoryStreams } from "../../support/memory-streams.ts";
import { RecordingLog } from "../../support/recording-log.ts";
import { apiParts } from "../../support/server-api-world.ts";

const NOW = Date.UTC(2026, 0, 1);

const OPEN_GATE: ConnectionGate = {
  checkOrigin: () => undefined,
  checkRate: () => undefined,
  checkRoom: () => undefined,
};

function world(overrides: Partial<AppServices> = {}) {
  const clock = new FakeClock(NOW);
  const log = new RecordingLog();
  const published: string[] = [];
  const streams = new MemoryStreams((_, { data }) => published.push(data));
  const clients = gatewayWorld();
  const app = createApp({
    clock,
    log,
    devices: {
      async authenticate(id, secret) {
        if (secret !== `secret-of-${id}`) throw new Fault("secret_wrong");
        return { id, name: "", createdAtMs: 0 };
      },
    },
    deviceEvents: createDeviceEvents({
      streams,
      clock,
      entropy: createFakeEntropy(),
      retention: { sizeMax: 10, ttlMs: 1000 },
    }),
    serverApi: apiParts(clients),
    transports: { gateway: clients.gateway, gate: OPEN_GATE, clientHeaders: [] },
    limits: {
      bodyMaxBytes: 2000,
      bodyTimeoutMs: 1000,
      eventMaxBytes: 500,
      eventsPerPost: 5,
      frameMaxBytes: 1000,
    },
    checkReady: async () => {},
    ...overrides,
  });
  const post = (body: BodyInit, headers: Record<string, string> = {}) =>
    app.request("/v1/devices/42/events", {
      method: "POST",
      body,
      headers: { authorization: "Bearer secret-of-42", ...headers },
    });
  return { app, clock, log, streams, published, post };
}

async function statusAndBody(answer: Response | Promise<Response>) {
  const { status, headers, json } = await Promise.resolve(answer).then(async (it) => ({
    status: it.status,
    headers: it.headers,
    json: await it.json(),
  }));
  return { status, headers, body: json };
}

describe("POST /v1/devices/{id}/events", () => {
  test("answers one event with its offset", async () => {
    const { post, published } = world();
    const { status, body } = await statusAndBody(post('{"id":"e1","type":"sold","data":1.0}'));
    expect(status).toBe(200);
    expect(body).toEqual({ results: [{ id: "e1", offset: 1 }], server_time: NOW });
    expect(published[0]).toContain('"data":1.0}');
  });

  test("answers a repeated id as a duplicate", async () => {
    const { post, published } = world();
    await post('{"id":"e1","type":"sold"}');
    const { body } = await statusAndBody(post('{"id":"e1","type":"sold"}'));
    expect(body.results).toEqual([{ id: "e1", duplicate: true, offset: 1 }]);
    expect(published).toHaveLength(1);
  });

  test("answers each item of a list for itself", async () => {
    const { post } = world();
    const { status, body } = await statusAndBody(
      post('[{"id":"a","type":"x"},{"type":"device.online"},{"no":1}]'),
    );
    expect(status).toBe(200);
    expect(body.results).toMatchObject([
      { id: "a", offset: 1 },
      { error: { code: "event_type_reserved" } },
      { error: { code: "event_invalid" } },
    ]);
  });

  test("reads one event per line", async () => {
    const { post } = world();
    const lines = '{"id":"a","type":"x"}\n{"id":"b","type":"y"}\n';
    const { body } = await statusAndBody(post(lines, { "content-type": "application/x-ndjson" }));
    expect(body.results).toEqual([
      { id: "a", offset: 1 },
      { id: "b", offset: 2 },
    ]);
  });

  test("takes Idempotency-Key for the id of an event without one", async () => {
    const { post, published } = world();
    const headers = { "idempotency-key": '"k1"' };
    await post('{"type":"sold"}', headers);
    const { body } = await statusAndBody(post('{"type":"sold"}', headers));
    expect(body.results).toEqual([{ id: "k1", duplicate: true, offset: 1 }]);
    await post('[{"type":"a"},{"type":"b"}]', { "idempotency-key": "k2" });
    await post('[{"type":"a"},{"type":"b"}]', { "idempotency-key": "k2" });
    expect(published).toHaveLength(3);
  });

  test.each([
    ["a control character", "a\u0085b", '{"type":"a"}'],
    ["more than an id may have", "k".repeat(129), '{"type":"a"}'],
    ["more than an id may have with its number", "k".repeat(127), '[{"type":"a"},{"type":"b"}]'],
  ])("refuses an Idempotency-Key of %s, and stores nothing", async (_, key, text) => {
    const { post, published } = world();
    const { status, body } = await statusAndBody(post(text, { "idempotency-key": key }));
    expect([status, body.code]).toEqual([400, "event_invalid"]);
    expect(published).toEqual([]);
  });

  test.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ] as const)("unpacks %s", async (encoding, pack) => {
    const { post } = world();
    const packed = pack('{"id":"e1","type":"sold"}');
    const { body } = await statusAndBody(post(packed, { "content-encoding": encoding }));
    expect(body.results).toEqual([{ id: "e1", offset: 1 }]);
  });

  test.each<readonly [string, number, string, BodyInit, Record<string, string>]>([
    ["no JSON", 400, "body_malformed", "nonsense", {}],
    ["no UTF-8", 400, "body_malformed", new Uint8Array([0xff, 0xfe]), {}],
    ["no event", 400, "event_invalid", '{"data":1}', {}],
    ["a reserved type", 403, "event_type_reserved", '{"type":"command.done"}', {}],
    ["a body too large", 413, "body_too_large", "x".repeat(2001), {}],
    [
      "a bomb",
      413,
      "body_too_large",
      gzipSync("x".repeat(100_000)),
      { "content-encoding": "gzip" },
    ],
    ["no gzip", 400, "body_malformed", "{}", { "content-encoding": "gzip" }],
    ["an unknown encoding", 415, "encoding_unsupported", "{}", { "content-encoding": "br" }],
    ["no secret", 401, "secret_missing", "{}", { authorization: "" }],
    ["a wrong secret", 401, "secret_wrong", "{}", { authorization: "Bearer nonsense" }],
  ])("refuses %s with %d %s", async (...[, status, code, body, headers]) => {
    const { post, published } = world();
    const answer = await statusAndBody(post(body, headers));
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.body).toMatchObject({ type: "about:blank", status, code, server_time: NOW });
    expect(published).toEqual([]);
  });

  test("logs who was refused, without what was shown", async () => {
    const { post, log } = world();
    await post("{}", { authorization: "Bearer canary" });
    expect(log.of("device.refused")).toEqual([{ device: "42", code: "secret_wrong" }]);
  });

  test("refuses an id that cannot be a device's", async () => {
    const { app } = world();
    const answer = await statusAndBody(
      app.request("/v1/devices/a%0d%0ab/events", { method: "POST" }),
    );
    expect(answer.body).toMatchObject({ code: "device_malformed" });
  });

  test("does not wait longer than allowed for a body", async () => {
    const { app, clock } = world();
    const body = new ReadableStream({ pull: () => clock.advance(1000) });
    const answer = await statusAndBody(
      app.request("/v1/devices/42/events", {
        method: "POST",
        body,
        headers: { authorization: "Bearer secret-of-42" },
      }),
    );
    expect(answer.body).toMatchObject({ code: "body_timeout" });
  });

  test("fails as a whole when the store fails, and says when to come back", async () => {
    const { post, streams, log } = world();
    const cause = new Error("disk full");
    streams.append = () => Promise.reject(new Fault("store_failed", { cause }));
    const { status, headers, body } = await statusAndBody(post('[{"type":"a"}]'));
    expect(status).toBe(503);
    expect(headers.get("retry-after")).toBe("1");
    expect(body).toMatchObject({ code: "store_failed" });
    expect(log.of("http.unavailable")).toEqual([
      { code: "store_failed", why: "Cannot store", cause: "Error: disk full" },
    ]);
  });

  test("answers a bug without saying what it is, and logs it", async () => {
    const { post, streams, log } = world();
    streams.append = () => Promise.reject(new Error("canary"));
    const { status, body } = await statusAndBody(post('{"type":"a"}'));
    expect(status).toBe(500);
    expect(body).toEqual({
      type: "about:blank",
      title: "Cannot complete request",
      status: 500,
      code: "internal",
      server_time: NOW,
    });
    expect(log.of("http.bug")).toHaveLength(1);
  });

  test("logs what was posted, without the content", async () => {
    const { post, log } = world();
    await post('[{"id":"a","type":"x","data":"canary"},{"id":"a","type":"x"},{"no":1}]');
    expect(log.of("device.posted")).toEqual([
      { device: "42", stored: 1, duplicates: 1, refused: 1, chars: 70 },
    ]);
  });
});

describe("other paths", () => {
  test("/healthz answers while the process runs", async () => {
    const { app } = world({ checkReady: () => Promise.reject(new Fault("draining")) });
    expect((await app.request("/healthz")).status).toBe(200);
  });

  test("/readyz answers 503 when the server takes no work, and logs no error", async () => {
    const { app, log } = world({ checkReady: () => Promise.reject(new Fault("draining")) });
    const { status, body } = await statusAndBody(app.request("/readyz"));
    expect(status).toBe(503);
    expect(body).toMatchObject({ code: "draining" });
    expect(log.of("http.unavailable")).toEqual([]);
  });

  test("/readyz answers 200 when it does", async () => {
    expect((await world().app.request("/readyz")).status).toBe(200);
  });

  test("an unknown path is a problem, too", async () => {
    const { status, body } = await statusAndBody(world().app.request("/nope"));
    expect(status).toBe(404);
    expect(body).toMatchObject({ code: "path_unknown" });
  });

  test("/console forbids everything but its own script and style", async () => {
    const { app } = world();
    const answer = await app.request("/console");
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toMatch(/script-src 'sha256-[A-Za-z0-9+/=]{44}'/);
    expect(await answer.text()).toContain("<title>Posthorn</title>");
  });
});
