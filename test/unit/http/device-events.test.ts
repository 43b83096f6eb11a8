import { describe, expect, test } from "bun:test";
import { deflateSync, gzipSync } from "node:zlib";
import { Hono } from "hono";
import { createDeviceEvents } from "../../../src/core/device-events.ts";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { Append, Appended } from "../../../src/core/ports/engine.ts";
import { UNCOUNTED } from "../../../src/core/uncounted.ts";
import type { Caller } from "../../../src/http/app-env.ts";
import { bindDeviceEvents } from "../../../src/http/device-events.ts";
import { toProblem } from "../../../src/http/problem.ts";
import { fingerprintOf } from "../../../src/runtime/fingerprint.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { createFakeEntropy } from "../../support/fake-entropy.ts";
import { MemoryStreams } from "../../support/memory-streams.ts";
import { openPaces } from "../../support/open-paces.ts";
import { RecordingLog } from "../../support/recording-log.ts";

const NOW = Date.UTC(2026, 0, 1);
const PATH = "/v1/devices/42/events";
const LINES = { "content-type": "application/x-ndjson" };
const BODY_TIMEOUT_MS = 1000;

const CALLER: Caller = {
  remoteAddress: "192.0.2.1",
  holdOpen: () => () => undefined,
  upgrade: () => false,
};

const SMALL = {
  bodyMaxBytes: 2000,
  bodyTimeoutMs: BODY_TIMEOUT_MS,
  eventMaxBytes: 500,
  eventsPerPost: 5,
  ndjsonMaxBytes: 20_000,
};

function world(limits = SMALL) {
  const clock = new FakeClock(NOW);
  const log = new RecordingLog();
  const published: string[] = [];
  const streams = new MemoryStreams((_, { data }) => published.push(data));
  const app = new Hono<{ Bindings: Caller }>();
  bindDeviceEvents(app, {
    clock,
    log,
    devices: {
      async authenticate(id, secret) {
        if (secret !== `secret-of-${id}`) throw new Fault("secret_wrong");
        const bare = { name: "", meta: "{}", createdAtMs: 0, online: false, generation: 0 };
        return { ...bare, id, enrollment: "closed", standing: async () => "good" };
      },
    },
    sightings: { saw: () => undefined },
    presence: { posted: () => undefined },
    paces: openPaces(),
    deviceEvents: createDeviceEvents({
      metrics: UNCOUNTED,
      streams,
      clock,
      entropy: createFakeEntropy(),
      fingerprint: fingerprintOf,
      retention: { sizeMax: 10, ttlMs: 1000 },
      routes: () => [],
    }),
    limits,
  });
  app.onError((error) => toProblem(error, clock, log));
  const post = (body: BodyInit, headers: Record<string, string> = {}) =>
    app.request(
      PATH,
      { method: "POST", body, headers: { authorization: "Bearer secret-of-42", ...headers } },
      CALLER,
    );
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

/** So many events with ids from e0 on, one per line. */
function lines(count: number, padding = ""): string {
  return Array.from(
    { length: count },
    (_, it) => `{"id":"e${it}","type":"t","data":"${padding}"}\n`,
  ).join("");
}

/** A body in pieces, which may act or throw before they come, when all before was taken in. */
function bodyOf(...pieces: readonly (string | (() => void))[]): ReadableStream {
  const rest = [...pieces];
  return new ReadableStream({
    async pull(controller) {
      let piece = rest.shift();
      while (typeof piece === "function") {
        await new Promise((resolve) => setImmediate(resolve));
        piece();
        piece = rest.shift();
      }
      if (piece === undefined) controller.close();
      else controller.enqueue(new TextEncoder().encode(piece));
    },
  });
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

  test("tells refused events by their ids, where these can be read", async () => {
    const { post } = world(SMALL);
    await post('{"id":"old","type":"x"}');
    const { body } = await statusAndBody(
      post(
        `[{"id":"own","type":"device.online"},{"id":"bad","no":1},{"id":7,"type":"x"},{"id":"old","type":"y"},{"id":"big","type":"x","data":"${"x".repeat(SMALL.eventMaxBytes)}"}]`,
      ),
    );
    const told = (it: { id?: unknown; error?: { code: string } }) => [it.id, it.error?.code];
    expect(body.results.map(told)).toEqual([
      ["own", "event_type_reserved"],
      ["bad", "event_invalid"],
      [undefined, "event_invalid"],
      ["old", "event_id_reused"],
      ["big", "event_invalid"],
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
    const { post, clock } = world();
    const body = bodyOf('{"type":', () => clock.advance(BODY_TIMEOUT_MS), '"a"}');
    const response = await post(body);
    // Or else who goes on sending would be read on.
    expect(response.headers.get("connection")).toBe("close");
    const { status, body: answer } = await statusAndBody(response);
    expect([status, answer.code]).toEqual([408, "body_timeout"]);
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
    await post('[{"id":"a","type":"x","data":"canary"},{"id":"a","type":"x","data":"canary"},1]');
    expect(log.of("device.posted")).toEqual([
      { device: "42", stored: 1, duplicates: 1, refused: 1, chars: 79 },
    ]);
  });
});

describe("POST /v1/devices/{id}/events with an Idempotency-Key", () => {
  const key = { "idempotency-key": '"k"' };

  test("answers a repetition with the same results, marked as duplicates", async () => {
    const { post, published } = world();
    const body = '[{"type":"a"},{"type":"b"}]';
    const first = await statusAndBody(post(body, key));
    const second = await statusAndBody(post(body, key));
    expect(first.body.results).toEqual([
      { id: "k:0", offset: 1 },
      { id: "k:1", offset: 2 },
    ]);
    expect(second.body.results).toEqual([
      { id: "k:0", duplicate: true, offset: 1 },
      { id: "k:1", duplicate: true, offset: 2 },
    ]);
    expect(published).toHaveLength(2);
  });

  test.each([
    ["one event", '{"type":"a","data":1}', '{"type":"a","data":2}', {}],
    ["a longer list", '[{"type":"a"}]', '[{"type":"a"},{"type":"b"}]', {}],
    ["lines", lines(1).replace('"id":"e0",', ""), '{"type":"b"}\n', LINES],
    ["a list that came as a single event", '{"type":"a"}', '[{"type":"a"},{"type":"b"}]', {}],
  ])(
    "refuses another body with 422 for %s and stores nothing",
    async (...[, first, second, headers]) => {
      const { post, published } = world();
      await post(first, { ...key, ...headers });
      const { status, body } = await statusAndBody(post(second, { ...key, ...headers }));
      expect(status).toBe(422);
      expect(body).toMatchObject({ code: "event_id_reused", server_time: NOW });
      expect(body.detail).toContain('Idempotency-Key "k"');
      expect(published).toHaveLength(1);
    },
  );

  test("answers 409 while the first is in flight, and when to come back", async () => {
    const { post, streams } = world();
    const asked = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const append = streams.append.bind(streams);
    streams.append = async (entry: Append): Promise<Appended> => {
      asked.resolve();
      await held.promise;
      return append(entry);
    };
    const first = post('{"type":"a"}', key);
    await asked.promise;
    const second = await statusAndBody(post('{"type":"a"}', key));
    expect([second.status, second.body.code]).toEqual([409, "key_in_flight"]);
    expect(second.headers.get("retry-after")).toBe("1");
    held.resolve();
    expect((await first).status).toBe(200);
    expect((await statusAndBody(post('{"type":"a"}', key))).body.results).toEqual([
      { id: "k", duplicate: true, offset: 1 },
    ]);
  });

  test("is not held by a request whose body does not come", async () => {
    const { post } = world();
    const body = new ReadableStream({ start: (it) => it.enqueue(new Uint8Array([0x7b])) });
    const stalled = post(body, key);
    expect((await post('{"type":"a"}', key)).status).toBe(200);
    void stalled;
  });
});

describe("POST /v1/devices/{id}/events with one event per line", () => {
  test("takes many times more than another body may have, part by part", async () => {
    const { post, published } = world();
    const { status, body } = await statusAndBody(post(lines(23, "x".repeat(400)), LINES));
    expect(status).toBe(200);
    expect(body.results).toHaveLength(23);
    expect(body.results[22]).toEqual({ id: "e22", offset: 23 });
    expect(published).toHaveLength(23);
  });

  test("holds no more appends at a time than a list may have", async () => {
    const { post, streams } = world();
    let running = 0;
    let most = 0;
    const append = streams.append.bind(streams);
    streams.append = async (entry: Append): Promise<Appended> => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      return append(entry);
    };
    await post(lines(23), LINES);
    expect(most).toBe(5);
  });

  test.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ] as const)("unpacks %s", async (encoding, pack) => {
    const { post } = world();
    const headers = { ...LINES, "content-encoding": encoding };
    const { body } = await statusAndBody(post(pack(lines(12)), headers));
    expect(body.results).toHaveLength(12);
  });

  test("answers for each line, one that is too long or broken in its place", async () => {
    const { post } = world();
    const body = `${lines(1)}${"x".repeat(3000)}\n\n{"id":\n{"type":"device.x"}\n{"id":"z","type":"t"}`;
    const { body: answer } = await statusAndBody(post(body, LINES));
    expect(answer.results).toMatchObject([
      { id: "e0", offset: 1 },
      {
        error: {
          code: "event_invalid",
          message: expect.stringContaining("got 3000 bytes, at most 500"),
        },
      },
      { error: { code: "body_malformed" } },
      { error: { code: "event_type_reserved" } },
      { id: "z", offset: 2 },
    ]);
  });

  test.each<readonly [string, number, string, BodyInit, Record<string, string>]>([
    ["no event", 400, "body_malformed", "\n \n", {}],
    ["a declared length beyond all", 413, "body_too_large", "x", { "content-length": "20001" }],
    ["an unknown encoding", 415, "encoding_unsupported", lines(1), { "content-encoding": "zstd" }],
    ["no gzip", 400, "body_malformed", lines(1), { "content-encoding": "gzip" }],
    [
      "a key that is too long",
      400,
      "event_invalid",
      lines(1),
      { "idempotency-key": "k".repeat(125) },
    ],
  ])("refuses %s with %d %s as a whole", async (...[, status, code, body, headers]) => {
    const { post, published } = world();
    const answer = await statusAndBody(post(body, { ...LINES, ...headers }));
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.body).not.toHaveProperty("results");
    expect(published).toEqual([]);
  });

  test.each<
    readonly [string, number, string, (clock: FakeClock) => BodyInit, Record<string, string>]
  >([
    ["is too large", 413, "body_too_large", () => bodyOf(lines(7), "x".repeat(21_000)), {}],
    [
      "is too large unpacked",
      413,
      "body_too_large",
      () => gzipSync(lines(7) + " ".repeat(1_000_000)),
      { "content-encoding": "gzip" },
    ],
    [
      "stops coming",
      408,
      "body_timeout",
      (clock) => bodyOf(lines(7), () => clock.advance(BODY_TIMEOUT_MS), "never taken"),
      {},
    ],
    [
      "breaks off",
      400,
      "body_malformed",
      () =>
        bodyOf(lines(7), '{"id":"un', () => {
          throw new Error("connection lost");
        }),
      {},
    ],
  ])(
    "keeps and tells what was stored when the body %s",
    async (...[, status, code, bodyFor, headers]) => {
      const { post, published, clock, log } = world();
      const answer = await statusAndBody(post(bodyFor(clock), { ...LINES, ...headers }));
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      expect(answer.body.server_time).toBeGreaterThanOrEqual(NOW);
      expect(answer.body.results).toHaveLength(7);
      expect(answer.body.results[6]).toEqual({ id: "e6", offset: 7 });
      expect(published).toHaveLength(7);
      expect(log.of("device.posted")).toMatchObject([{ device: "42", stored: 7 }]);
    },
  );

  test("tells what was stored of packed lines that are cut off", async () => {
    const { post, published } = world();
    const packed = gzipSync(lines(7)).subarray(0, -8);
    const headers = { ...LINES, "content-encoding": "gzip" };
    const { status, body } = await statusAndBody(post(packed, headers));
    expect([status, body.code]).toEqual([400, "body_malformed"]);
    expect(body.results ?? []).toHaveLength(published.length);
  });

  test("waits for a sender that is slow but gets on", async () => {
    const { post, clock } = world();
    const most = () => clock.advance(BODY_TIMEOUT_MS - 1);
    const parts = [lines(6), most, lines(6), most, lines(6), most, lines(1)];
    const { status, body } = await statusAndBody(post(bodyOf(...parts), LINES));
    expect(status).toBe(200);
    expect(body.results).toHaveLength(19);
  });

  test("does not hold it against the sender that storing takes time", async () => {
    const { post, clock, streams } = world();
    const append = streams.append.bind(streams);
    streams.append = (entry: Append): Promise<Appended> => {
      clock.advance(BODY_TIMEOUT_MS);
      return append(entry);
    };
    expect((await post(lines(12), LINES)).status).toBe(200);
    expect(clock.pending).toBe(0);
  });

  test("ends at the first part that the store cannot take, and tells of those before", async () => {
    const { post, streams } = world();
    const append = streams.append.bind(streams);
    streams.append = (entry: Append): Promise<Appended> =>
      entry.dedupe?.id === "e6" ? Promise.reject(new Fault("store_busy")) : append(entry);
    const { status, headers, body } = await statusAndBody(post(lines(12), LINES));
    expect([status, body.code, headers.get("retry-after")]).toEqual([429, "store_busy", "1"]);
    expect(body.results).toHaveLength(6);
  });

  test("takes no more events than there may be results", async () => {
    const { post } = world({ ...SMALL, eventsPerPost: 1000, ndjsonMaxBytes: 1_000_000 });
    const body = "7\n".repeat(LIMITS.eventsPerNdjson + 1);
    const { status, body: answer } = await statusAndBody(post(body, LINES));
    expect([status, answer.code]).toEqual([413, "body_too_large"]);
    expect(answer.results).toHaveLength(LIMITS.eventsPerNdjson);
  });

  test("goes on where it broke off when it comes again with its key", async () => {
    const { post, published } = world();
    const key = { ...LINES, "idempotency-key": "k" };
    const text = lines(12)
      .replaceAll(/"id":"e\d+",/g, "")
      .replaceAll('""', '"x"');
    const broken = await statusAndBody(
      post(
        bodyOf(text.slice(0, text.length / 2 + 40), () => {
          throw new Error("connection lost");
        }),
        key,
      ),
    );
    expect(broken.body.results).toHaveLength(5);
    expect(published).toHaveLength(5);
    const { status, body } = await statusAndBody(post(text, key));
    expect(status).toBe(200);
    expect(body.results.filter((it: { duplicate?: true }) => it.duplicate)).toHaveLength(5);
    expect(published).toHaveLength(12);
  });
});
