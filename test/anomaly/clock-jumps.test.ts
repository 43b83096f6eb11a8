import { expect, setDefaultTimeout, test } from "bun:test";
import { BACKEND_KEY } from "../support/backend.ts";
import { addDevice } from "../support/cli.ts";
import { Device } from "../support/device.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { ask, deliveryOn, GuidedDevice } from "../support/guided-device.ts";
import { eventually } from "../support/inbox.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { ShiftedClock } from "../support/shifted-clock.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS, type Target } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const HOUR_MS = 60 * 60 * 1000;
const JUMPS_HOURS = [1, -1, 24, -24, 0];
const EXP = Math.floor(Date.now() / 1000) + 3 * 24 * 3600;

// Pings take their time, so all targets wait at once.
test("a wall clock that jumps by an hour or a day, either way, disconnects nobody, ends nothing before its time and keeps the order", async () => {
  await Promise.all(TARGETS.map(jumpUnder));
});

async function jumpUnder(target: Target): Promise<void> {
  await using workspace = await Workspace.make();
  const credentials = await addDevice(target, workspace, "till-1");
  const clock = await ShiftedClock.make(workspace);
  // Nothing here lives shorter than the largest jump.
  const config = {
    api: { keys: [BACKEND_KEY] },
    channels: { device: { history_ttl: "30d" } },
    limits: { ping_interval: "1s", pong_timeout: "900ms" },
  };
  await using server = await startPosthorn(target, { workspace, config, env: clock.env });
  const device = new Device(server.url, credentials);
  const guided = new GuidedDevice(server.url, credentials);
  using stream = await guided.stream();
  using client = await FrameSocket.open(`${server.wsUrl}/connection/websocket`, { pongs: true });
  await client.command({
    connect: { token: signToken({ sub: "u", devices: ["till-1"], exp: EXP }) },
  });
  await client.command({ subscribe: { channel: device.channel } });
  const offsets: number[] = [];
  for (const hours of JUMPS_HOURS) {
    await clock.shift(hours);
    const answer = await eventually(async () => {
      const { status, body, results } = await device.post({ type: "t", data: hours });
      const apartMs = Math.abs(Number(body["server_time"]) - (Date.now() + hours * HOUR_MS));
      offsets.push(results[0]?.offset ?? Number.NaN);
      return apartMs < HOUR_MS / 2 ? status : undefined;
    }, `a clock that is ${hours} h off`);
    expect(answer).toBe(200);
    await client.publication(device.channel, offsets.at(-1) ?? 0);
    const sent = await ask(`${server.url}/v1/devices/till-1/commands`, {
      method: "POST",
      headers: { "x-api-key": BACKEND_KEY },
      body: { type: "open", ttl: 2 * 24 * 3600 },
    });
    expect(sent.status).toBe(202);
    const id = String(sent.body["id"]);
    expect(await deliveryOn(stream, (it) => it.id === id)).toMatchObject({ attempt: 1 });
    await guided.settle(id);
    // One ping with its answer, and the next.
    const pings = () => client.lines.items.filter((line) => line === "{}").length;
    const before = pings();
    await eventually(() => pings() >= before + 2 || undefined, "two pings");
  }
  expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
  expect(new Set(offsets).size).toBe(offsets.length);
  expect((await client.command({ unsubscribe: { channel: "device:none" } })).error).toBeUndefined();
  const told = client.lines.items.join("\n");
  expect(told).not.toMatch(/device\.offline|command\.expired|"disconnect"/);
  using late = await FrameSocket.open(`${server.wsUrl}/connection/websocket`, { pongs: true });
  await late.command({
    connect: { token: signToken({ sub: "v", devices: ["till-1"], exp: EXP }) },
  });
  const { subscribe } = await late.command({ subscribe: { channel: device.channel } });
  const again = await late.command({ unsubscribe: { channel: device.channel } });
  expect(again.error).toBeUndefined();
  const { subscribe: recovered } = await late.command({
    subscribe: { channel: device.channel, recover: true, epoch: subscribe?.epoch, offset: 0 },
  });
  expect(recovered?.recovered).toBe(true);
  const kept = recovered?.publications?.map(({ offset }) => offset) ?? [];
  expect(kept).toEqual(Array.from({ length: subscribe?.offset ?? 0 }, (_, index) => index + 1));
}
