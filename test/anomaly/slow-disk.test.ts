import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { BACKEND_KEY, Backend } from "../support/backend.ts";
import { addDevice } from "../support/cli.ts";
import { Device, type DeviceEvent, FIRST_OFFSET } from "../support/device.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { eventually } from "../support/inbox.ts";
import { type Posthorn, startPosthorn } from "../support/posthorn.ts";
import { SlowDisk } from "../support/slow-disk.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import { parseLine } from "../support/wire.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const SYNC_MS = 20;
/** Long enough for all that has to happen meanwhile on a machine that is busy. */
const LONG_SYNC_MS = 3_000;
const LANES = 32;
const POSTS_PER_LANE = 15;
/** Far fewer than those that wait at a time, and more than one. */
const POSTS_PER_SYNC_MIN = 5;

/** Nothing is written to it meanwhile: a read of what is just being committed waits for the commit. */
const QUIET = "device:43";

const CONFIG = {
  api: { keys: [BACKEND_KEY] },
  channels: { news: { allow_subscribe: true }, device: {} },
  limits: { ping_interval: "1s", pong_timeout: "900ms" },
};

describe.each(TARGETS)("a disk that syncs slowly under $name", (target) => {
  test("has posts wait together for one sync, delays nothing else, and loses nothing", async () => {
    await using workspace = await Workspace.make();
    const credentials = await addDevice(target, workspace, "42");
    const disk = await SlowDisk.make(workspace, SYNC_MS);
    const stored = new Map<string, number>();
    {
      await using server = await startPosthorn(target, {
        workspace,
        config: CONFIG,
        env: disk.env,
      });
      const device = new Device(server.url, credentials);
      using client = await subscribed(server, device.channel);
      await postMany(device, stored);
      const backend = new Backend(server.url);
      for (const data of [1, 2, 3]) await backend.call("publish", { channel: QUIET, data });
      const before = (await disk.syncs()).begun;
      await postMany(device, stored);
      const syncs = (await disk.syncs()).begun - before;
      expect(syncs).toBeGreaterThan(0);
      expect((LANES * POSTS_PER_LANE) / syncs).toBeGreaterThan(POSTS_PER_SYNC_MIN);
      await client.publication(device.channel, Math.max(...stored.values()));

      await disk.takes(LONG_SYNC_MS);
      let acknowledged = false;
      const posting = device.post(eventOf("long")).then(({ status, results }) => {
        acknowledged = true;
        stored.set("long", results[0]?.offset ?? 0);
        return status;
      });
      await eventually(async () => {
        const { running } = await disk.syncs();
        return running > 0 || undefined;
      }, "a sync that goes on");
      await disk.takes(SYNC_MS);
      await expectService(server, client);
      const { running } = await disk.syncs();
      // All that was while one and the same sync went on.
      expect([running, acknowledged]).toEqual([1, false]);
      expect(await posting).toBe(200);
      await client.publication(device.channel, stored.get("long") ?? 0);
      expect(offsetsOf(client)).toEqual(
        Array.from({ length: stored.size }, (_, index) => FIRST_OFFSET + index),
      );
      expect(new Set(stored.values())).toEqual(new Set(offsetsOf(client)));
      expect(server.logged("client.disconnected")).toEqual([]);
      await server.kill();
    }
    await using server = await startPosthorn(target, { workspace });
    const device = new Device(server.url, credentials);
    const { results } = await device.post([...stored.keys()].map(eventOf));
    expect(results).toEqual([...stored].map(([id, offset]) => ({ id, duplicate: true, offset })));
  });
});

function eventOf(id: string): DeviceEvent {
  return { id, type: "t", data: { of: id } };
}

async function subscribed(server: Posthorn, channel: string): Promise<FrameSocket> {
  const client = await FrameSocket.open(`${server.wsUrl}/connection/websocket`, { pongs: true });
  await client.command({ connect: { token: signToken({ sub: "u", devices: ["42"] }) } });
  for (const it of [channel, "news:live"]) await client.command({ subscribe: { channel: it } });
  return client;
}

/** Posts on many lanes at once, each one after the other, and notes what is acknowledged. */
async function postMany(device: Device, stored: Map<string, number>): Promise<void> {
  const lanes = Array.from({ length: LANES }, async () => {
    for (let n = 0; n < POSTS_PER_LANE; n += 1) {
      const id = crypto.randomUUID();
      const { status, results } = await device.post(eventOf(id));
      expect(status).toBe(200);
      stored.set(id, results[0]?.offset ?? 0);
    }
  });
  await Promise.all(lanes);
}

/** Heartbeats, live deliveries and reads, whatever the disk is about. */
async function expectService(server: Posthorn, client: FrameSocket): Promise<void> {
  const from = client.lines.items.length;
  const backend = new Backend(server.url);
  const news = { channel: "news:live", data: { live: true } };
  expect(JSON.parse(await backend.call("publish", news))).toMatchObject({ result: {} });
  await client.line(({ push }) => push?.channel === "news:live", "the live publication", from);
  const page = JSON.parse(await backend.call("history", { channel: QUIET, limit: 3 }));
  expect(page.result.publications).toHaveLength(3);
  expect((await backend.get("/v1/devices/42")).status).toBe(200);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  await client.lines.find((line) => line === "{}", { what: "a ping", from });
}

/** Of what the device posted. */
function offsetsOf({ lines }: FrameSocket): readonly number[] {
  const pushes = lines.items.map((line) => parseLine(line).push);
  const offsets = pushes.map((push) => (push?.channel === "device:42" ? push.pub?.offset : 0) ?? 0);
  return offsets.filter((offset) => offset >= FIRST_OFFSET);
}
