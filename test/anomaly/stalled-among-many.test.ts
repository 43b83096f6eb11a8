import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { BACKEND_KEY, Backend } from "../support/backend.ts";
import { OffsetReader } from "../support/offset-reader.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { anonymousBytes } from "../support/process-memory.ts";
import { RawWebsocket } from "../support/raw-websocket.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const CLIENTS = 2_000;
const AT_A_TIME = 200;
const MB = 1024 * 1024;
/** What all of them get. */
const SHARED = "device:42";
/** What only the stalled one gets beside it, so that its queue fills soon. */
const OWN = "device:43";
const TOKEN = signToken({ sub: "u", devices: ["42", "43"] });
const ROUND_EVENTS = 16;
const EVENT_CHARS = 60_000;
/** Some 60 MB: far more than may wait for one client. */
const ROUNDS_MAX = 64;
const MORE_MAX_BYTES = 64 * MB;

const CONFIG = {
  api: { keys: [BACKEND_KEY] },
  limits: { queue_max_bytes: "1MB", connections_per_address_per_second: 0, clients_per_user: 0 },
};

describe.each(TARGETS)("a reader that stalls among 2,000 clients of $name", (target) => {
  test("is evicted soon, costs little memory, and nobody else misses or waits for anything", async () => {
    await using server = await startPosthorn(target, { config: CONFIG });
    const backend = new Backend(server.url);
    using crowd = new DisposableStack();
    const healthy: OffsetReader[] = [];
    while (healthy.length < CLIENTS) {
      const some = Array.from({ length: AT_A_TIME }, () =>
        OffsetReader.open(server.wsUrl, { token: TOKEN, channel: SHARED }),
      );
      for (const reader of await Promise.all(some)) healthy.push(crowd.use(reader));
    }
    let offset = 0;
    const publishToAll = async () => {
      offset += 1;
      await backend.call("publish", { channel: SHARED, data: offset });
      await Promise.all(healthy.map((reader) => reader.until(offset)));
    };
    using stalled = await subscribed(server.port);
    const publishRound = async () => {
      const own = { channel: OWN, data: "x".repeat(EVENT_CHARS) };
      await Promise.all(Array.from({ length: ROUND_EVENTS }, () => backend.call("publish", own)));
      await publishToAll();
      return anonymousBytes(server);
    };
    let usualBytes = 0;
    for (let round = 0; round < 8; round += 1) {
      usualBytes = Math.max(usualBytes, await publishRound());
    }

    stalled.pause();
    const pausedAtMs = performance.now();
    let mostBytes = 0;
    let rounds = 0;
    while (server.logged("client.disconnected").length === 0 && rounds < ROUNDS_MAX) {
      mostBytes = Math.max(mostBytes, await publishRound());
      rounds += 1;
    }
    expect(server.logged("client.slow")).toHaveLength(1);
    expect(server.logged("client.disconnected")).toMatchObject([{ by: "server", code: 3008 }]);
    expect(performance.now() - pausedAtMs).toBeLessThan(15_000);
    expect(mostBytes - usualBytes).toBeLessThan(MORE_MAX_BYTES);
    await publishToAll();
    const all = Array.from({ length: offset }, (_, index) => index + 1);
    for (const { offsets, closes } of healthy) expect([offsets, closes]).toEqual([all, []]);
  });
});

async function subscribed(port: number): Promise<RawWebsocket> {
  const { socket } = await RawWebsocket.open({ port, path: "/connection/websocket" });
  socket.send(JSON.stringify({ id: 1, connect: { token: TOKEN } }));
  socket.send(JSON.stringify({ id: 2, subscribe: { channel: SHARED } }));
  socket.send(JSON.stringify({ id: 3, subscribe: { channel: OWN } }));
  await socket.frames.find((frame) => frame.includes('"id":3'), { what: "the subscriptions" });
  return socket;
}
