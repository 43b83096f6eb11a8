import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createConnection } from "node:net";
import { type Posthorn, startPosthorn } from "../support/posthorn.ts";
import { anonymousBytes } from "../support/process-memory.ts";
import { RawConnection, rawRequest } from "../support/raw-http.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const MB = 1024 * 1024;
/** Answered 200 if its reader takes it for a good request. */
const GET = ["GET /healthz HTTP/1.1", "Host: x"];
/** Its body is read, whoever sends it. */
const READ = ["POST /v1/login/session HTTP/1.1", "Host: x"];
const POST = ["POST /v1/devices/till-1/events HTTP/1.1", "Host: x"];

/** Requests of which two readers could make different things; none may be taken for a good one. */
const REFUSED: readonly (readonly [what: string, request: string])[] = [
  [
    "a length and chunks",
    rawRequest(
      [...GET, "Content-Length: 4", "Transfer-Encoding: chunked"],
      "0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
    ),
  ],
  ["two lengths", rawRequest([...GET, "Content-Length: 4", "Content-Length: 5"], "abcd")],
  ["a negative length", rawRequest([...GET, "Content-Length: -1"])],
  ["a length with a sign", rawRequest([...GET, "Content-Length: +4"], "abcd")],
  ["a length in hexadecimal", rawRequest([...GET, "Content-Length: 0x4"], "abcd")],
  [
    "a length beyond numbers",
    rawRequest([...GET, "Content-Length: 99999999999999999999999"], "abcd"),
  ],
  ["chunks of an odd name", rawRequest([...GET, "Transfer-Encoding: xchunked"], "0\r\n\r\n")],
  ["a space before the colon", rawRequest([...GET, "Transfer-Encoding : chunked"], "0\r\n\r\n")],
  [
    "a chunk of no size",
    rawRequest([...READ, "Transfer-Encoding: chunked"], "zz\r\nabcd\r\n0\r\n\r\n"),
  ],
  [
    "a chunk size beyond numbers",
    rawRequest([...READ, "Transfer-Encoding: chunked"], "fffffffffffffffff\r\nabcd\r\n0\r\n\r\n"),
  ],
  ["a folded header", rawRequest([...GET, "X-A: 1", " folded"])],
  ["a header without a colon", rawRequest([...GET, "Nonsense"])],
  ["a NUL in a header", rawRequest([...GET, "X-A: a\0b"])],
  ["no host", rawRequest(["GET /healthz HTTP/1.1"])],
  ["a version of the future", rawRequest(["GET /healthz HTTP/9.9", "Host: x"])],
  ["no method", rawRequest([" /healthz HTTP/1.1", "Host: x"])],
  ["bytes of TLS", "\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03"],
  [
    "two hundred headers",
    rawRequest([...GET, ...Array.from({ length: 200 }, (_, n) => `X-${n}: ${"v".repeat(200)}`)]),
  ],
  ["a header of 64 KB", rawRequest([...GET, `X-A: ${"v".repeat(64 * 1024)}`])],
  ["a path of 64 KB", rawRequest([`GET /${"p".repeat(64 * 1024)} HTTP/1.1`, "Host: x"])],
];

const SEED = 20_261_123;
const MUTATIONS = 1_500;

/** What is changed at random. */
const SAMPLES = [
  rawRequest(
    [...POST, "Authorization: Bearer s", "Content-Length: 24"],
    '{"type":"t","data":1234}',
  ),
  rawRequest([...POST, "Transfer-Encoding: chunked"], '5\r\n{"typ\r\n3\r\ne":\r\n0\r\n\r\n'),
  rawRequest(
    [
      "GET /login?ticket=x&since=a%3A1 HTTP/1.1",
      "Host: x",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version: 13",
    ],
    "\x81\x85\x00\x00\x00\x00hello\x88\x80\x00\x00\x00\x00",
  ),
  rawRequest(["GET /v1/devices/till-1/commands?wait=1&max=3 HTTP/1.1", "Host: x", "X-API-Key: k"]),
];

describe.each(TARGETS)("hostile bytes at $name", (target) => {
  test("that two readers could take for different things are refused, and not one is served", async () => {
    await using server = await startPosthorn(target);
    for (const [what, request] of REFUSED) {
      using connection = await RawConnection.open(server.port);
      connection.write(request);
      const { status, body } = await connection.answer();
      // No status: it was cut off.
      expect([
        what,
        Number.isNaN(status) || (status >= 400 && status < 600 && status !== 500),
      ]).toEqual([what, true]);
      expect(body).not.toMatch(/node_modules|\.ts:\d|at async/);
    }
    await expectHealthy(server);
  });

  test("changed at random cost neither the process nor its memory", async () => {
    await using server = await startPosthorn(target);
    const random = createRandom(SEED);
    const before = await anonymousBytes(server);
    for (let done = 0; done < MUTATIONS; done += 50) {
      await Promise.all(Array.from({ length: 50 }, () => throwAt(server.port, mutated(random))));
    }
    await expectHealthy(server);
    expect((await anonymousBytes(server)) - before).toBeLessThan(100 * MB);
  });
});

async function expectHealthy(server: Posthorn): Promise<void> {
  const answer = await fetch(`${server.url}/healthz`);
  expect([answer.status, server.output.includes("process.bug"), server.logged("http.bug")]).toEqual(
    [200, false, []],
  );
}

/** Sends it, and waits until something is said to it, or nothing for a moment. */
function throwAt(port: number, bytes: Buffer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = createConnection(port, "127.0.0.1");
  socket.setTimeout(100);
  for (const event of ["data", "timeout", "close", "error"] as const) {
    socket.once(event, () => {
      socket.destroy();
      resolve();
    });
  }
  socket.write(bytes);
  return promise;
}

/** A sample with some bytes changed, cut out or repeated. */
function mutated(random: () => number): Buffer {
  const sample = SAMPLES[Math.floor(random() * SAMPLES.length)] ?? "";
  let bytes = Buffer.from(sample, "latin1");
  for (let change = 0; change < 1 + random() * 4; change += 1) {
    const at = Math.floor(random() * bytes.length);
    const kind = Math.floor(random() * 3);
    if (kind === 0) bytes.writeUInt8(Math.floor(random() * 256), at);
    else if (kind === 1)
      bytes = Buffer.concat([
        bytes.subarray(0, at),
        bytes.subarray(at + 1 + Math.floor(random() * 8)),
      ]);
    else bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - 16))]);
    if (bytes.length === 0) return Buffer.from("\r\n");
  }
  return bytes;
}

/** The same numbers for the same seed (mulberry32), so that what fails can fail again. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
