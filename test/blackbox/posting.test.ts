import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { deflateSync, gzipSync } from "node:zlib";
import type { Device, PostAnswer } from "../support/device.ts";
import { RawConnection, rawRequest } from "../support/raw-http.ts";
import { type Site, startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const LINES = { "content-type": "application/x-ndjson" };
const KEY = { "idempotency-key": "key-1" };
const MB = 1024 * 1024;

function line(id: string, padding = "", type = "t"): string {
  return `${JSON.stringify({ id, type, data: padding })}\n`;
}

function lines(count: number, padding = ""): string {
  return Array.from({ length: count }, (_, at) => line(`e${at}`, padding)).join("");
}

/** As a device sends it that makes its body while it sends. */
function linesOfSize(bytes: number, type: string): ReadableStream {
  const padding = "x".repeat(2000);
  const encoder = new TextEncoder();
  let made = 0;
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      const block = Array.from({ length: 30 }, () => line(`e${made++}`, padding, type)).join("");
      sent += block.length;
      controller.enqueue(encoder.encode(block));
      if (sent >= bytes) controller.close();
    },
  });
}

function postLines(device: Device, body: BodyInit, headers = {}): Promise<PostAnswer> {
  return device.postRaw(body, { ...LINES, ...headers });
}

/** Posts lines of which no more come than these, and gives the answer. */
async function postPartOf({ device, server }: Site, part: string, fields: readonly string[] = []) {
  using connection = await RawConnection.open(server.port);
  const head = [
    `POST /v1/devices/${device.id}/events HTTP/1.1`,
    "Host: localhost",
    `Authorization: Bearer ${device.secret}`,
    "Content-Type: application/x-ndjson",
    `Content-Length: ${part.length + 100}`,
    ...fields,
  ];
  connection.write(rawRequest(head, part));
  return await connection.answer();
}

/** The most memory that the server has needed so far. */
function peakBytes({ server }: Site): number {
  const status = readFileSync(`/proc/${server.pid}/status`, "utf8");
  return 1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
}

/** Posthorn's own events have offsets in the same channel, so those of the device's have gaps. */
const OFFSET = expect.any(Number);

function codeOf({ status, body }: PostAnswer): unknown[] {
  return [status, body["code"]];
}

describe.each(TARGETS)("posting over a bad network on $name", (target) => {
  test("an id that comes again with another payload is refused, in its place or with 422", async () => {
    await using site = await startSite(target);
    const event = { id: "once", type: "t", data: 1 };
    await site.device.post(event);
    const changed = await site.device.post({ ...event, data: 2 });
    expect(codeOf(changed)).toEqual([422, "event_id_reused"]);
    expect(changed.body["detail"]).toContain('"once"');
    expect(changed.body["server_time"]).toBeNumber();
    const { status, results } = await site.device.post([
      { ...event, type: "u" },
      { ...event, time: 7 },
      { id: "new", type: "t", data: 1 },
    ]);
    expect(status).toBe(200);
    expect(results[0]?.error?.code).toBe("event_id_reused");
    expect(results.slice(1)).toEqual([
      { id: "once", duplicate: true, offset: OFFSET },
      { id: "new", offset: OFFSET },
    ]);
  });

  test("a key's repetition has the same results, and another body with it stores nothing", async () => {
    await using site = await startSite(target);
    const body = '[{"type":"a"},{"type":"b"}]';
    const first = await site.device.postRaw(body, KEY);
    const again = await site.device.postRaw(body, KEY);
    expect(first.results).toEqual([
      { id: "key-1:0", offset: OFFSET },
      { id: "key-1:1", offset: OFFSET },
    ]);
    expect(again.results).toEqual(first.results.map((it) => ({ ...it, duplicate: true })));
    const longer = await site.device.postRaw('[{"type":"a"},{"type":"b"},{"type":"c"}]', KEY);
    const single = await site.device.postRaw('{"type":"a"}', KEY);
    const asLines = await postLines(site.device, '{"type":"c"}\n', KEY);
    for (const answer of [longer, single, asLines]) {
      expect(codeOf(answer)).toEqual([422, "event_id_reused"]);
    }
    expect(site.server.logged("device.posted")).toEqual([
      expect.objectContaining({ stored: 2 }),
      expect.objectContaining({ stored: 0, duplicates: 2 }),
    ]);
  });

  test("a key whose first request is being stored is answered 409, with when to come back", async () => {
    await using site = await startSite(target);
    using other = new DatabaseSync(site.workspace.file("data/posthorn.db"));
    other.exec("BEGIN IMMEDIATE");
    const post = () => site.device.postRaw('{"type":"t","data":1}', KEY);
    const both = [post(), post()];
    const early = await Promise.race(both);
    expect(codeOf(early)).toEqual([409, "key_in_flight"]);
    expect(early.headers.get("retry-after")).toBe("1");
    expect(early.body["server_time"]).toBeNumber();
    other.exec("ROLLBACK");
    const answers = await Promise.all(both);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    expect((await post()).results).toEqual([{ id: "key-1", duplicate: true, offset: OFFSET }]);
  });

  test("lines are never held as a whole, so 99 MB cost little more memory than 30 MB", async () => {
    await using site = await startSite(target, {
      config: { limits: { ndjson_max_bytes: "100MB" } },
    });
    const stored = await postLines(site.device, linesOfSize(30 * MB, "t"));
    expect(stored.status).toBe(200);
    expect(stored.results.length).toBeGreaterThan(14_000);
    expect(stored.results.every(({ offset }) => offset !== undefined)).toBe(true);
    const before = peakBytes(site);
    // Of a type that is refused: the disk takes no part, so that it does not take long.
    const refused = await postLines(site.device, linesOfSize(99 * MB, "device.x"));
    expect(refused.status).toBe(200);
    expect(refused.results.length).toBeGreaterThan(45_000);
    // Held as a whole, its bytes and its text would be 138 MB more; what a collector leaves lying about is less.
    expect(peakBytes(site) - before).toBeLessThan(100 * MB);
  });

  test.each([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ] as const)(
    "takes lines packed with %s, more than another body may be",
    async (encoding, pack) => {
      await using site = await startSite(target);
      const packed = new Uint8Array(pack(lines(3_000, "x".repeat(1000))));
      const { status, results } = await postLines(site.device, packed, {
        "content-encoding": encoding,
      });
      expect(status).toBe(200);
      expect(results).toHaveLength(3_000);
      expect(results.at(-1)).toEqual({ id: "e2999", offset: OFFSET });
    },
  );

  test.each([
    ["one endless event", "application/json", "x"],
    ["one endless line", "application/x-ndjson", "x"],
    ["nothing but empty lines", "application/x-ndjson", "\n"],
  ])("a bomb of %s is refused with 413 before it is unpacked", async (_, type, filling) => {
    await using site = await startSite(target);
    const bomb = new Uint8Array(gzipSync(Buffer.alloc(512 * MB, filling)));
    expect(bomb.byteLength).toBeLessThan(MB);
    await site.device.post({ type: "t", data: 1 });
    const before = peakBytes(site);
    const headers = { "content-type": type, "content-encoding": "gzip" };
    expect(codeOf(await site.device.postRaw(bomb, headers))).toEqual([413, "body_too_large"]);
    expect(peakBytes(site) - before).toBeLessThan(100 * MB);
  });

  test("what was stored before the body became too large is kept and told", async () => {
    await using site = await startSite(target, { config: { limits: { ndjson_max_bytes: "2MB" } } });
    const large = await postLines(site.device, linesOfSize(3 * MB, "t"));
    expect(codeOf(large)).toEqual([413, "body_too_large"]);
    expect(large.headers.get("content-type")).toContain("application/problem+json");
    expect(large.results.length).toBeGreaterThan(500);
    expect(large.results[0]).toEqual({ id: "e0", offset: OFFSET });
    const first = { id: "e0", type: "t", data: "x".repeat(2000) };
    expect((await site.device.post(first)).results).toEqual([
      { id: "e0", duplicate: true, offset: OFFSET },
    ]);
  });

  test("gzip that is cut off is refused with 400, and what was stored before is told", async () => {
    await using site = await startSite(target);
    const packed = gzipSync(lines(3_000, "x".repeat(1000))).subarray(0, -8);
    const cut = await postLines(site.device, new Uint8Array(packed), {
      "content-encoding": "gzip",
    });
    expect(codeOf(cut)).toEqual([400, "body_malformed"]);
    expect(cut.results.length).toBeGreaterThanOrEqual(1_000);
  });

  test("a body that stops coming is answered 408 with what was stored of it", async () => {
    await using site = await startSite(target, { config: { limits: { body_timeout: "1s" } } });
    const { status, body } = await postPartOf(site, `${line("a")}${line("b")}{"id":"un`);
    expect(status).toBe(408);
    expect(JSON.parse(body)).toMatchObject({
      code: "body_timeout",
      results: [
        { id: "a", offset: OFFSET },
        { id: "b", offset: OFFSET },
      ],
    });
  });

  test("lines under a key go on where they ended when they come again", async () => {
    await using site = await startSite(target, { config: { limits: { body_timeout: "1s" } } });
    const text = '{"type":"t","data":1}\n'.repeat(2_500);
    const { status, body } = await postPartOf(site, text.slice(0, -100), [
      "Idempotency-Key: key-1",
    ]);
    expect(status).toBe(408);
    expect(JSON.parse(body).results).toHaveLength(2_000);
    const again = await postLines(site.device, text, KEY);
    expect(again.status).toBe(200);
    expect(again.results).toHaveLength(2_500);
    expect(again.results[1_999]).toEqual({ id: "key-1:1999", duplicate: true, offset: OFFSET });
    expect(again.results[2_499]).toEqual({ id: "key-1:2499", offset: OFFSET });
  });

  test("an encoding that nobody knows is refused with 415 and the ones there are", async () => {
    await using site = await startSite(target);
    for (const type of ["application/json", "application/x-ndjson"]) {
      const headers = { "content-type": type, "content-encoding": "br" };
      const answer = await site.device.postRaw(line("a"), headers);
      expect(codeOf(answer)).toEqual([415, "encoding_unsupported"]);
      expect(answer.body["detail"]).toContain("gzip, deflate");
    }
  });

  test.each([
    ["a number", 0],
    ["text", "1970-01-01T00:00:07Z"],
    ["the far future", 99_999_999_999_999],
  ])("a clock that is wrong is data, here %s, and the answer tells the time", async (_, time) => {
    await using site = await startSite(target);
    const { status, results, body } = await site.device.post({ id: "a", type: "t", data: 1, time });
    expect([status, results]).toEqual([200, [{ id: "a", offset: OFFSET }]]);
    expect(Math.abs(Number(body["server_time"]) - Date.now())).toBeLessThan(60_000);
    const refused = await site.device.postRaw(JSON.stringify({ time }));
    expect(refused.status).toBe(400);
    expect(Math.abs(Number(refused.body["server_time"]) - Date.now())).toBeLessThan(60_000);
  });
});
