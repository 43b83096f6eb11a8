import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { deflateSync, gzipSync } from "node:zlib";
import { Device, FIRST_OFFSET } from "../support/device.ts";
import { startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

describe.each(TARGETS)("POST /v1/devices/{id}/events on $name", (target) => {
  test("stores one event and answers its id and offset", async () => {
    await using site = await startSite(target);
    const answer = await site.device.post({ id: "a1", type: "door.opened", data: { by: 7 } });
    expect(answer.status).toBe(200);
    expect(answer.results).toEqual([{ id: "a1", offset: FIRST_OFFSET }]);
    expect(Math.abs(Number(answer.body["server_time"]) - Date.now())).toBeLessThan(60_000);
  });

  test("makes an id for an event that has none", async () => {
    await using site = await startSite(target);
    const { results } = await site.device.post({ type: "door.opened", data: null });
    expect(results).toEqual([
      { id: expect.stringMatching(/^[0-9a-f-]{36}$/), offset: FIRST_OFFSET },
    ]);
  });

  test("answers each event of an array in its order, the bad ones in their places", async () => {
    await using site = await startSite(target);
    const { status, results } = await site.device.postRaw(
      JSON.stringify([
        { id: "a", type: "t", data: 1 },
        { id: "b", type: "device.online", data: 2 },
        { id: "c", data: 3 },
        7,
        { id: "d", type: "t", data: 4, extra: true },
        { id: "e", type: "t", data: 5 },
      ]),
    );
    expect(status).toBe(200);
    expect(results.map((result) => result.error?.code ?? result.offset)).toEqual([
      FIRST_OFFSET,
      "event_type_reserved",
      "event_invalid",
      "event_invalid",
      "event_invalid",
      FIRST_OFFSET + 1,
    ]);
    expect(results[2]?.error?.message).toContain("type");
    expect(results[4]?.error?.message).toContain("extra");
  });

  test("takes one event per line as application/x-ndjson", async () => {
    await using site = await startSite(target);
    const lines = [
      '{"id":"a","type":"t","data":1}',
      "",
      '{"id":"b"',
      '{"id":"c","type":"t"}\r',
      "",
    ];
    const { status, results } = await site.device.postRaw(lines.join("\n"), {
      "content-type": "application/x-ndjson; charset=utf-8",
    });
    expect(status).toBe(200);
    expect(results.map((result) => result.error?.code ?? result.id)).toEqual([
      "a",
      "body_malformed",
      "c",
    ]);
  });

  test.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ] as const)("takes a %s body", async (encoding, compress) => {
    await using site = await startSite(target);
    const body = JSON.stringify({ id: "z", type: "t", data: "x".repeat(10_000) });
    const answer = await site.device.postRaw(new Uint8Array(compress(body)), {
      "content-encoding": encoding,
    });
    expect(answer.results).toEqual([{ id: "z", offset: FIRST_OFFSET }]);
  });

  test("refuses what a compressed body would swell to beyond the limit", async () => {
    await using site = await startSite(target);
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, " "));
    const answer = await site.device.postRaw(new Uint8Array(bomb), { "content-encoding": "gzip" });
    expect([answer.status, answer.body["code"]]).toEqual([413, "body_too_large"]);
  });

  test("stores an event once however often its id comes, also within one post", async () => {
    await using site = await startSite(target);
    const event = { id: "once", type: "t", data: 1 };
    const first = await site.device.post([event, event]);
    const second = await site.device.post(event);
    expect(first.results).toEqual([
      { id: "once", offset: FIRST_OFFSET },
      { id: "once", duplicate: true, offset: FIRST_OFFSET },
    ]);
    expect(second.results).toEqual([{ id: "once", duplicate: true, offset: FIRST_OFFSET }]);
    const changed = await site.device.post({ ...event, data: "changed" });
    expect([changed.status, changed.body["code"]]).toEqual([422, "event_id_reused"]);
    const other = await site.device.post({ id: "other", type: "t", data: 1 });
    expect(other.results).toEqual([{ id: "other", offset: FIRST_OFFSET + 1 }]);
  });

  test("takes the Idempotency-Key header for the id of a single event", async () => {
    await using site = await startSite(target);
    const body = JSON.stringify({ type: "t", data: 1 });
    const headers = { "idempotency-key": "from-header" };
    const first = await site.device.postRaw(body, headers);
    const second = await site.device.postRaw(body, headers);
    expect(first.results).toEqual([{ id: "from-header", offset: FIRST_OFFSET }]);
    expect(second.results).toEqual([{ id: "from-header", duplicate: true, offset: FIRST_OFFSET }]);
  });

  test("keeps equal ids of two devices apart", async () => {
    await using site = await startSite(target);
    const neighbour = await site.addDevice("43");
    const event = { id: "same", type: "t", data: 1 };
    const wanted = [{ id: "same", offset: FIRST_OFFSET }];
    expect((await site.device.post(event)).results).toEqual(wanted);
    expect((await neighbour.post(event)).results).toEqual(wanted);
  });

  test("answers every refusal with a problem that has a stable code", async () => {
    await using site = await startSite(target);
    const { device } = site;
    const stranger = new Device(site.server.url, { id: "44", secret: device.secret });
    const liar = new Device(site.server.url, { id: device.id, secret: "wrong" });
    const oddly = new Device(site.server.url, { id: "a%20b", secret: device.secret });
    const event = '{"type":"t","data":1}';
    const refusals = [
      [await device.postRaw("{nonsense"), 400, "body_malformed"],
      [await device.postRaw(""), 400, "body_malformed"],
      [await device.postRaw("[]"), 400, "body_malformed"],
      [await device.postRaw('{"data":1}'), 400, "event_invalid"],
      [await device.postRaw('{"type":"command.done","data":1}'), 403, "event_type_reserved"],
      [await device.postRaw(event, { "content-encoding": "br" }), 415, "encoding_unsupported"],
      [await device.postRaw(" ".repeat(2 * 1024 * 1024)), 413, "body_too_large"],
      [await liar.postRaw(event), 401, "secret_wrong"],
      [await stranger.postRaw(event), 401, "secret_wrong"],
      [await device.postRaw(event, { authorization: "" }), 401, "secret_missing"],
      [await device.postRaw(event, { authorization: "Basic eDp5" }), 401, "secret_missing"],
      [await oddly.postRaw(event), 400, "device_malformed"],
    ] as const;
    for (const [answer, status, code] of refusals) {
      expect([answer.status, answer.body["code"]]).toEqual([status, code]);
      expect(answer.headers.get("content-type")).toContain("application/problem+json");
      expect(answer.body).toEqual({
        type: expect.any(String),
        title: expect.any(String),
        status,
        code,
        detail: expect.any(String),
        server_time: expect.any(Number),
      });
      expect(answer.headers.has("www-authenticate")).toBe(status === 401);
    }
  });

  test("tells nobody whether a device exists", async () => {
    await using site = await startSite(target);
    const event = { type: "t", data: 1 };
    const wrong = await new Device(site.server.url, { id: "42", secret: "wrong" }).post(event);
    const unknown = await new Device(site.server.url, { id: "9999", secret: "wrong" }).post(event);
    expect({ ...wrong.body, server_time: 0 }).toEqual({ ...unknown.body, server_time: 0 });
  });
});
