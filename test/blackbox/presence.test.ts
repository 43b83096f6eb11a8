import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { BACKEND_KEY, Backend } from "../support/backend.ts";
import { CentrifugeClient } from "../support/centrifuge-client.ts";
import { addDevice, type DeviceCredentials } from "../support/cli.ts";
import { Fleet } from "../support/fleet.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const CONFIG = {
  api: { keys: [BACKEND_KEY] },
  devices: { online_ttl: "1s", offline_grace: "1s" },
};

interface Told {
  readonly type: string;
  readonly data: { readonly generation: number; readonly reason: string };
}

describe.each(TARGETS)("whether a terminal is there, at $name,", (target) => {
  test("is told once for each coming and going, numbered, and not for a gap between two polls", async () => {
    await using workspace = await Workspace.make();
    await using server = await startPosthorn(target, { workspace, config: CONFIG });
    const device = await addDevice(target, workspace, "till-1");
    using owner = await listen(server.wsUrl);
    const power = new AbortController();
    const polling = keepPolling(server.url, device, power.signal);
    await toldOf(owner, "device.online");
    const backend = new Backend(server.url);
    expect(JSON.parse((await backend.get("/v1/devices/till-1")).text)).toMatchObject({
      online: true,
    });
    // Several polls end and begin meanwhile: wait=0 would be no hold at all, so these hold 1 s each.
    await polling.polled(4);
    expect(owner.publications.items.map(({ data }) => (data as Told).type)).toEqual([
      "device.online",
    ]);
    power.abort();
    const offline = await toldOf(owner, "device.offline");
    expect(offline.data).toMatchObject({ generation: 2 });
    expect(JSON.parse((await backend.get("/v1/devices/till-1")).text)).toMatchObject({
      online: false,
    });
  });

  test("is known by a stream and a websocket for as long as they are open, and by a post for a while", async () => {
    await using fleet = await Fleet.start(target, CONFIG);
    const devices = [
      await fleet.addDevice("streams"),
      await fleet.addDevice("talks"),
      await fleet.addDevice("posts"),
    ] as const;
    const [streams, talks, posts] = devices;
    const [ofStream, ofSocket, ofPost] = await Promise.all(devices.map((it) => fleet.listener(it)));
    const stream = await streams.stream();
    const socket = await talks.socket();
    await posts.ask("POST", "/events", { body: { type: "t", data: 1 } });
    await ofPost?.told("device.online");
    // The others are held open beyond the time for which a post counts.
    await ofPost?.told("device.offline");
    for (const listener of [ofStream, ofSocket]) {
      expect(listener?.events.map(({ type }) => type)).toEqual(["device.online"]);
    }
    stream[Symbol.dispose]();
    socket[Symbol.dispose]();
    expect((await ofStream?.told("device.offline"))?.data).toMatchObject({ generation: 2 });
    expect((await ofSocket?.told("device.offline"))?.data).toMatchObject({ generation: 2 });
  });

  test("is told late but told when the server was killed meanwhile", async () => {
    await using workspace = await Workspace.make();
    const start = () => startPosthorn(target, { workspace, config: CONFIG });
    const before = await start();
    const device = await addDevice(target, workspace, "till-1");
    {
      using owner = await listen(before.wsUrl);
      const power = new AbortController();
      keepPolling(before.url, device, power.signal);
      await toldOf(owner, "device.online");
      await before.kill();
      power.abort();
    }
    await using server = await start();
    using owner = await listen(server.wsUrl);
    const offline = await toldOf(owner, "device.offline");
    expect(offline.data).toMatchObject({ generation: 2, reason: "restarted" });
  });
});

async function listen(url: string): Promise<CentrifugeClient> {
  const owner = new CentrifugeClient(url, {
    token: signToken({ sub: "owner", devices: ["till-1"] }),
  });
  owner.connect();
  await owner.subscribe("device:till-1");
  return owner;
}

async function toldOf(owner: CentrifugeClient, type: string): Promise<Told> {
  const isIt = ({ data }: { readonly data: unknown }) => (data as Told).type === type;
  const { data } = await owner.publications.find(isIt, { what: type });
  return data as Told;
}

/** Polls one after the other until it is switched off, as a terminal does. */
function keepPolling(url: string, { id, secret }: DeviceCredentials, signal: AbortSignal) {
  let count = 0;
  const waiting: { readonly wanted: number; readonly resolve: () => void }[] = [];
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await fetch(`${url}/v1/devices/${id}/commands?wait=1`, {
        headers: { authorization: `Bearer ${secret}` },
        signal,
      });
      count += 1;
      for (const { wanted, resolve } of waiting) if (count >= wanted) resolve();
    }
  };
  run().catch(() => undefined); // it was switched off, or the server was
  return {
    polled: (wanted: number) =>
      new Promise<void>((resolve) => {
        waiting.push({ wanted, resolve });
      }),
  };
}
