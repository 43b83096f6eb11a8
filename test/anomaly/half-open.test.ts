import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { BACKEND_KEY, Backend } from "../support/backend.ts";
import { addDevice } from "../support/cli.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { GuidedDevice } from "../support/guided-device.ts";
import { eventually } from "../support/inbox.ts";
import { inOwnNetwork, Way } from "../support/own-network.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const DEVICES = ["stream", "socket", "poll"] as const;
const CONFIG = {
  api: { keys: [BACKEND_KEY] },
  channels: { news: { allow_subscribe: true }, device: {} },
  devices: { command_lease: "1s", online_ttl: "1s", offline_grace: "0s" },
  limits: { ping_interval: "1s", pong_timeout: "500ms" },
};

describe.each(TARGETS)("peers of $name that a network lost without a word", (target) => {
  test("are found under traffic, whatever they hold, and others get what was meant for them", async () => {
    await using workspace = await Workspace.make();
    const credentials = await Promise.all(DEVICES.map((id) => addDevice(target, workspace, id)));
    const isolated = inOwnNetwork(target);
    await using server = await startPosthorn(isolated, { workspace, config: CONFIG });
    await using healthy = await Way.open(server, "127.0.0.1");
    await using lost = await Way.open(server, "127.0.0.2");
    const backend = new Backend(healthy.url);
    using neighbour = await subscribed(healthy, "neighbour");
    using _client = await subscribed(lost, "lost");
    const [stream, socket, poll] = credentials.map((it) => new GuidedDevice(lost.url, it));
    using _stream = await stream?.stream();
    using _socket = await socket?.socket();
    const polling = new AbortController();
    const polled = poll?.poll("wait=50", polling.signal).catch(() => "nothing");
    for (const id of DEVICES) await eventually(() => isOnline(backend, id, true), `${id} online`);

    await lost.lose();
    const commands = await Promise.all(
      DEVICES.map(async (id) => {
        const { text } = await backend.post(`/v1/devices/${id}/commands`, '{"type":"open"}');
        return JSON.parse(text).id;
      }),
    );
    const found = Promise.all([
      server.waitForLog("client.disconnected", ({ user }) => user === "lost"),
      ...["stream", "socket"].map((id) =>
        server.waitForLog("device.disconnected", ({ device }) => device === id),
      ),
      ...DEVICES.map((id) => eventually(() => isOnline(backend, id, false), `${id} offline`)),
    ]);
    const published = await publishUntil(found, backend);
    expect((await found).slice(0, 3)).toMatchObject([
      { code: 3012, by: "server" },
      { transport: "sse", why: "unanswered" },
      { transport: "websocket", code: 3012 },
    ]);
    await neighbour.line(({ push }) => push?.pub?.data === published, "the last publication");
    expect(neighbour.lines.items.filter((line) => line.includes('"pub"'))).toHaveLength(published);
    for (const [index, it] of credentials.entries()) {
      const again = new GuidedDevice(healthy.url, it);
      const { id, attempt } = await again.next();
      expect([id, attempt > 1]).toEqual([commands[index], true]);
    }
    polling.abort();
    expect(await polled).toBe("nothing");
  });
});

async function subscribed({ wsUrl }: Way, sub: string): Promise<FrameSocket> {
  const socket = await FrameSocket.open(`${wsUrl}/connection/websocket`, { pongs: true });
  await socket.command({ connect: { token: signToken({ sub }) } });
  await socket.command({ subscribe: { channel: "news:live" } });
  return socket;
}

async function isOnline(backend: Backend, id: string, wanted: boolean): Promise<true | undefined> {
  const { text } = await backend.get(`/v1/devices/${id}`);
  return JSON.parse(text).online === wanted || undefined;
}

/** Publishes 1, 2, 3 and so on, again and again until `end` comes; gives the last number. */
async function publishUntil(end: Promise<unknown>, backend: Backend): Promise<number> {
  let ended = false;
  const noticed = end.finally(() => {
    ended = true;
  });
  let data = 0;
  while (!ended) {
    data += 1;
    await backend.call("publish", { channel: "news:live", data });
  }
  await noticed;
  return data;
}
