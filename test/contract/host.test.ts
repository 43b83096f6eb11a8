import { expect, setDefaultTimeout, test } from "bun:test";
import { resolve } from "node:path";
import { describeHost, type HostUnderTest } from "./host.ts";
import { describeHeldBodies } from "./host-bodies.ts";
import { describeBounds } from "./host-bounds.ts";
import { RawSocket } from "./host-clients.ts";
import { describeIdle } from "./host-idle.ts";
import { HostProcess } from "./host-process.ts";
import { describeHostTls } from "./host-tls.ts";

// A machine under load may need long to start a process; what is awaited has deadlines of its own.
setDefaultTimeout(60_000);

const BUN: HostUnderTest = {
  name: "Bun",
  capabilities: {
    nativeTopics: true,
    nativeBackpressure: true,
    lenientHandshake: true,
    nativePing: true,
    hardTerminate: true,
    stopKeepsSockets: true,
    sharesPort: true,
    fullTls: true,
  },
  endsIdle: true,
  start: (options) => HostProcess.start([process.execPath], options),
};

const DENO: HostUnderTest = {
  name: "Deno",
  capabilities: {
    nativeTopics: false,
    nativeBackpressure: false,
    lenientHandshake: false,
    nativePing: false,
    hardTerminate: false,
    stopKeepsSockets: false,
    sharesPort: false,
    fullTls: false,
  },
  endsIdle: false,
  start: (options) => HostProcess.start([denoBinary(), "run", "-A"], options),
};

for (const host of [BUN, DENO]) {
  describeHost(host);
  describeHeldBodies(host);
  describeBounds(host);
  describeIdle(host);
  describeHostTls(host);
}

test("Bun compresses long replies for who asks for it, but no publication", async () => {
  await using server = await HostProcess.start([process.execPath], { hostname: "127.0.0.1" });
  const headers = ["Sec-WebSocket-Extensions: permessage-deflate"];
  using socket = await RawSocket.open(server.port, "a", { headers });
  await server.event("open", "a");
  expect(socket.head).toContain("permessage-deflate");
  const text = "x".repeat(2000);
  await server.call("a", ["subscribe", "t"], ["publish", "t", text], ["send", text], ["send", "."]);
  await socket.received((bytes) => bytes.endsWith("\x81\x01."), "the last frame");
  // 0x81 begins a text, 0xc1 a compressed one; 0x7e announces a length of two bytes.
  const frames = `\x81\x7e${String.fromCharCode(2000 >> 8, 2000 & 255)}${text}\xc1`;
  expect(socket.body.startsWith(frames)).toBe(true);
});

/** The runtime itself: the `deno` that npm puts on the path is a script, which would die in its place. */
function denoBinary(): string {
  const root = resolve(import.meta.dir, "../..");
  const [found] = new Bun.Glob("node_modules/@deno/*/deno").scanSync(root);
  if (found === undefined) throw new Error("Cannot test Deno: it is not installed");
  return resolve(root, found);
}
