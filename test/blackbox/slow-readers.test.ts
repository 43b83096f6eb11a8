import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { FrameSocket } from "../support/frame-socket.ts";
import { OffsetReader } from "../support/offset-reader.ts";
import type { Posthorn } from "../support/posthorn.ts";
import { anonymousBytes } from "../support/process-memory.ts";
import { RawWebsocket } from "../support/raw-websocket.ts";
import { type Site, startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import { parseLine, type WireSubscription } from "../support/wire.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const CHANNEL = "device:42";
const TOKEN = signToken({ sub: "u", devices: ["42"] });
const MB = 1024 * 1024;
const EVENT_CHARS = 60_000;
/** As many as fit into one body. */
const EVENTS_PER_POST = 16;

describe.each(TARGETS)("a client of $name that reads too slowly", (target) => {
  test("gets 3008 when it reads on, and loses nothing", async () => {
    // What the runtime itself may hold is far above the queue, so that it never comes first.
    const limits = { queue_max_bytes: "1MB", recovery_max_bytes: "64MB" };
    await using site = await startSite(target, { config: { limits } });
    using reader = await subscribed(site.server);
    reader.pause();
    while (site.server.logged("client.slow").length === 0) await post(site, 1);
    const last = await post(site, 1);
    reader.resume();
    expect(await reader.end()).toEqual({ code: 3008, reason: "slow" });
    const seen = offsetsOf(reader);
    expect(seen).toEqual(Array.from(seen, (_, index) => index + 1));
    expect(seen.length).toBeLessThan(last);
    const { epoch } = await subscribe(site.server, {});
    const { recovered, publications = [] } = await subscribe(site.server, {
      recover: true,
      epoch,
      offset: seen.length,
    });
    expect(recovered).toBe(true);
    expect([...seen, ...publications.map(({ offset }) => offset)]).toEqual(
      Array.from({ length: last }, (_, index) => index + 1),
    );
  });

  test("and then not at all is evicted, costs little memory and harms nobody", async () => {
    const limits = { queue_max_bytes: "1MB", recovery_max_bytes: "2MB" };
    await using site = await startSite(target, { config: { limits } });
    await using scope = new AsyncDisposableStack();
    const healthy: OffsetReader[] = [];
    for (let reader = 0; reader < 20; reader += 1) {
      const options = { token: TOKEN, channel: CHANNEL };
      healthy.push(scope.use(await OffsetReader.open(site.server.wsUrl, options)));
    }
    const publish30Mb = async () => {
      let [last, mostBytes] = [0, 0];
      for (let posted = 0; posted < 32; posted += 1) {
        last = await post(site, EVENTS_PER_POST);
        // Healthy is who keeps up.
        for (const reader of healthy) await reader.until(last);
        mostBytes = Math.max(mostBytes, await anonymousBytes(site.server));
      }
      return { last, mostBytes };
    };
    const before = await publish30Mb();
    const stalled: RawWebsocket[] = [];
    for (let reader = 0; reader < STALLED; reader += 1) {
      stalled.push(scope.use(await subscribed(site.server)));
    }
    for (const reader of stalled) reader.pause();
    const { last, mostBytes } = await publish30Mb();
    // Held for all of them it would be 360 MB; what they may hold is 48 MB.
    expect(mostBytes - before.mostBytes).toBeLessThan(180 * MB);
    const evicted = site.server.logged("client.slow").map(({ client }) => client);
    expect(new Set(evicted).size).toBe(STALLED);
    const told = site.server.logged("client.disconnected");
    expect(told.map(({ client, by, code }) => ({ client, by, code }))).toEqual(
      evicted.map((client) => ({ client, by: "server", code: 3008 })),
    );
    for (const reader of healthy) {
      expect(reader.offsets).toEqual(Array.from({ length: last }, (_, index) => index + 1));
      expect(reader.closes).toEqual([]);
    }
    await expectHonestRecovery(site.server, last);
  });
});

const STALLED = 12;

/** Posts events and gives the offset of the last one. */
async function post({ device }: Site, count: number): Promise<number> {
  const event = { type: "t", data: "x".repeat(EVENT_CHARS) };
  const { results } = await device.post(Array<typeof event>(count).fill(event));
  return results.at(-1)?.offset ?? Number.NaN;
}

async function subscribed({ port }: Posthorn): Promise<RawWebsocket> {
  const { socket } = await RawWebsocket.open({ port, path: "/connection/websocket" });
  socket.send(JSON.stringify({ id: 1, connect: { token: TOKEN } }));
  socket.send(JSON.stringify({ id: 2, subscribe: { channel: CHANNEL } }));
  await socket.frames.find((frame) => frame.includes('"id":2'), { what: "the subscription" });
  return socket;
}

/** The offsets of the publications it read. */
function offsetsOf({ frames }: RawWebsocket): readonly number[] {
  const lines = frames.items.flatMap((frame) => frame.split("\n")).map(parseLine);
  return lines.flatMap(({ push }) => push?.pub?.offset ?? []);
}

/** Subscribes on a connection of its own and gives the result. */
async function subscribe(
  { wsUrl }: Posthorn,
  request: Readonly<Record<string, unknown>>,
): Promise<WireSubscription> {
  using socket = await FrameSocket.open(`${wsUrl}/connection/websocket`);
  await socket.command({ connect: { token: TOKEN } });
  const reply = await socket.command({ subscribe: { channel: CHANNEL, ...request } });
  return reply.subscribe ?? {};
}

/** What a client missed comes back whole, or it is told that it does not. */
async function expectHonestRecovery(server: Posthorn, last: number): Promise<void> {
  const { epoch } = await subscribe(server, {});
  const all = await subscribe(server, { recover: true, epoch, offset: 0 });
  expect(all).toMatchObject({ was_recovering: true, offset: last });
  expect([all.recovered ?? false, all.publications ?? []]).toEqual([false, []]);
  const some = await subscribe(server, { recover: true, epoch, offset: last - 20 });
  expect(some.recovered).toBe(true);
  expect(some.publications?.map(({ offset }) => offset)).toEqual(
    Array.from({ length: 20 }, (_, index) => last - 19 + index),
  );
}
