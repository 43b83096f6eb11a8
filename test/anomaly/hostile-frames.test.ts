import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { createConnection, type Socket } from "node:net";
import { deflateRawSync } from "node:zlib";
import { within } from "../support/inbox.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { anonymousBytes } from "../support/process-memory.ts";
import { rawRequest } from "../support/raw-http.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const MB = 1024 * 1024;
const TEXT = 0x81;
const FIN_PING = 0x89;

const UNMASKED = "a frame that is not masked";
const ENDLESS = "a message of 13 MB in fragments that does not end";
/** It does not ask for a mask, and counts a message in fragments only when it is whole. */
const DENO_TAKES = new Set([UNMASKED, ENDLESS]);

interface Frame {
  readonly head: number;
  readonly payload?: Buffer;
  /** A client that does not mask is none (RFC 6455 §5.1). */
  readonly isMasked?: boolean;
}

/** What RFC 6455 forbids; who sends it loses the connection. */
const FORBIDDEN: readonly (readonly [what: string, frames: readonly Frame[]])[] = [
  [UNMASKED, [{ head: TEXT, payload: Buffer.from("{}"), isMasked: false }]],
  ["a reserved opcode", [{ head: 0x83 }]],
  ["a reserved control opcode", [{ head: 0x8b }]],
  ["a reserved bit", [{ head: TEXT | 0x20, payload: Buffer.from("{}") }]],
  ["compression that was not agreed on", [{ head: TEXT | 0x40, payload: deflateRawSync("{}") }]],
  ["a ping in fragments", [{ head: 0x09 }]],
  ["a ping of 126 bytes", [{ head: FIN_PING, payload: Buffer.alloc(126) }]],
  ["a continuation of nothing", [{ head: 0x80, payload: Buffer.from("{}") }]],
  [
    "a message within a message",
    [
      { head: 0x01, payload: Buffer.from("{") },
      { head: TEXT, payload: Buffer.from("}") },
    ],
  ],
  ["text that is no UTF-8", [{ head: TEXT, payload: Buffer.from([0xff, 0xfe, 0xfd]) }]],
  ["a close of one byte", [{ head: 0x88, payload: Buffer.from([3]) }]],
  [
    ENDLESS,
    [
      { head: 0x01, payload: Buffer.alloc(1000, "x") },
      ...Array.from({ length: 200 }, () => ({ head: 0x00, payload: Buffer.alloc(64_000, "x") })),
    ],
  ],
];

describe.each(TARGETS)("frames at $name", (target) => {
  test("that are forbidden end their connection, and harm nobody", async () => {
    await using server = await startPosthorn(target);
    for (const [what, frames] of FORBIDDEN) {
      if (target.name === "deno" && DENO_TAKES.has(what)) continue;
      const socket = await open(server.port);
      for (const frame of frames) socket.write(encode(frame));
      await within(ended(socket), `the end after ${what}`);
    }
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    expect([server.logged("ws.bug"), server.output.includes("process.bug")]).toEqual([[], false]);
  });

  test("that unpack to 64 MB, or nest 30,000 deep, cost little memory and end their connection", async () => {
    await using server = await startPosthorn(target);
    const before = await anonymousBytes(server);
    const bomb = deflateRawSync(Buffer.alloc(64 * MB, "x"));
    const nested = Buffer.from(
      `{"id":1,"connect":{"data":${"[".repeat(30_000)}${"]".repeat(30_000)}}}`,
    );
    for (let n = 0; n < 4; n += 1) {
      const bombed = await open(server.port, "permessage-deflate");
      bombed.write(encode({ head: TEXT | 0x40, payload: bomb.subarray(0, -4) }));
      await within(ended(bombed), "the end after a bomb");
      const deep = await open(server.port);
      deep.write(encode({ head: TEXT, payload: nested }));
      await within(Promise.race([ended(deep), answered(deep)]), "what becomes of a deep frame");
      deep.destroy();
    }
    expect((await anonymousBytes(server)) - before).toBeLessThan(80 * MB);
    expect([server.logged("ws.bug"), server.output.includes("process.bug")]).toEqual([[], false]);
  });
});

/** Resolves when the handshake is done. */
async function open(port: number, extensions?: string): Promise<Socket> {
  const socket = createConnection(port, "127.0.0.1");
  socket.on("error", () => undefined); // a reset shows as the end
  socket.write(
    rawRequest([
      "GET /connection/websocket HTTP/1.1",
      "Host: x",
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version: 13",
      ...(extensions === undefined ? [] : [`Sec-WebSocket-Extensions: ${extensions}`]),
    ]),
  );
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.once("data", (chunk) => resolve(String(chunk)));
  expect(await within(promise, "the handshake")).toStartWith("HTTP/1.1 101");
  return socket;
}

function ended(socket: Socket): Promise<void> {
  socket.resume();
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

function answered(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("data", () => resolve()));
}

/** One frame, with the mask 0 where it has one. */
function encode({ head, payload = Buffer.alloc(0), isMasked = true }: Frame): Buffer {
  const { length } = payload;
  const mask = isMasked ? 0x80 : 0;
  const start = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  start.writeUInt8(head);
  start.writeUInt8(mask | (length < 126 ? length : length < 65_536 ? 126 : 127), 1);
  if (start.length === 4) start.writeUInt16BE(length, 2);
  if (start.length === 10) start.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([start, Buffer.alloc(isMasked ? 4 : 0), payload]);
}
