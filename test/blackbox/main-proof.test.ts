import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { CentrifugeClient } from "../support/centrifuge-client.ts";
import { makeCertificateFiles } from "../support/certificates.ts";
import { addDevice, type DeviceCredentials } from "../support/cli.ts";
import { Device, type DeviceEvent } from "../support/device.ts";
import { eventually } from "../support/inbox.ts";
import { type Posthorn, startPosthorn } from "../support/posthorn.ts";
import { RawLogin } from "../support/raw-login.ts";
import { BLACK_BOX_TIMEOUT_MS, EXECUTABLE, TARGETS, type Target } from "../support/targets.ts";
import { TcpProxy } from "../support/tcp-proxy.ts";
import { signToken } from "../support/tokens.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

interface Size {
  readonly devices: number;
  readonly clients: number;
  readonly events: number;
}

const FULL: Size = { devices: 20, clients: 50, events: 1000 };
const SMALL: Size = { devices: 5, clients: 10, events: 200 };

/** One publication as a client saw it. */
interface Seen {
  readonly channel: string;
  readonly offset: number;
  readonly type: string;
  /** The device's own count, which each of its events carries. */
  readonly count?: number | undefined;
}

interface Listener extends Disposable {
  readonly devices: readonly string[];
  seen(): readonly Seen[];
}

describe("the main job", () => {
  test.each(TARGETS.map((target) => ({ name: target.name, target })))(
    "every client of $name gets exactly its devices' events, in order, once, through cuts and a kill",
    async ({ target }) => proveMainJob(target, target === EXECUTABLE ? FULL : SMALL),
  );
});

async function proveMainJob(target: Target, size: Size): Promise<void> {
  await using scope = new AsyncDisposableStack();
  const workspace = scope.use(await Workspace.make());
  const { ca, cert, key } = await makeCertificateFiles(target, workspace);
  const start = () => startPosthorn(target, { workspace, config: { tls: { cert, key } } });
  let server = scope.use(await start());
  const clientLine = scope.use(await TcpProxy.start(server.port));
  const deviceLine = scope.use(await TcpProxy.start(server.port));

  const credentials: DeviceCredentials[] = [];
  for (let index = 0; index < size.devices; index += 1) {
    credentials.push(await addDevice(target, workspace, `terminal-${index}`));
  }
  const clients: Listener[] = [];
  for (let index = 0; index < size.clients; index += 1) {
    const devices = [index, index + 7].map((number) => `terminal-${number % size.devices}`);
    const open = index % 2 === 0 ? openCentrifuge : openRawLogin;
    clients.push(scope.use(await open(`wss://127.0.0.1:${clientLine.port}`, devices, ca)));
  }

  let acknowledged = 0;
  const perDevice = size.events / size.devices;
  const posting = credentials.map(async (credential) => {
    const device = new Device(`https://127.0.0.1:${deviceLine.port}`, credential, ca);
    for (let count = 1; count <= perDevice; count += 1) {
      await device.postUntilStored(reading(count));
      acknowledged += 1;
      if (count % 5 !== 0) continue;
      // A terminal that did not hear the answer posts again, long after.
      const { results } = await device.postUntilStored([reading(count - 4), reading(count)]);
      expect(results.map(({ duplicate }) => duplicate)).toEqual([true, true]);
    }
  });

  const progress = (part: number) =>
    eventually(() => acknowledged >= size.events * part || undefined, `${part} of the posts`);
  await progress(0.2);
  clientLine.cut((index) => index % 3 === 0);
  await progress(0.4);
  server = scope.use(await killAndRestart(server, start));
  clientLine.targetPort = server.port;
  deviceLine.targetPort = server.port;
  await progress(0.7);
  clientLine.cut((index) => index % 4 === 0);
  deviceLine.cut();
  await Promise.all(posting);

  for (const client of clients) await expectExactlyItsEvents(client, perDevice);
  expect(await server.stop()).toBe(0);
}

async function killAndRestart(server: Posthorn, start: () => Promise<Posthorn>): Promise<Posthorn> {
  await server.kill();
  return start();
}

async function openCentrifuge(
  url: string,
  devices: readonly string[],
  ca: string,
): Promise<Listener> {
  const client = new CentrifugeClient(url, { token: signToken({ sub: "u", devices }), ca });
  client.connect();
  await Promise.all(devices.map((device) => client.subscribe(`device:${device}`)));
  return {
    devices,
    seen: () =>
      client.publications.items.map(({ channel, offset = 0, data }) =>
        toSeen(channel, offset, data),
      ),
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

async function openRawLogin(
  url: string,
  devices: readonly string[],
  ca: string,
): Promise<Listener> {
  const client = new RawLogin(url, { token: signToken({ sub: "u", devices }), ca });
  client.run();
  await client.connects.find(() => true, { what: "the connect push" });
  return {
    devices,
    seen: () =>
      client.deliveries.items.map(({ channel, offset, data }) => toSeen(channel, offset, data)),
    [Symbol.dispose]: () => client[Symbol.dispose](),
  };
}

function reading(count: number): DeviceEvent {
  return { id: `event-${count}`, type: "reading", data: { count } };
}

function toSeen(channel: string, offset: number, publication: unknown): Seen {
  const { type, data } = publication as { type: string; data: { count?: number } };
  return { channel, offset, type, count: data.count };
}

async function expectExactlyItsEvents(client: Listener, perDevice: number): Promise<void> {
  const total = perDevice * client.devices.length;
  const readings = () => client.seen().filter(({ type }) => type === "reading");
  await eventually(
    () => readings().length >= total || undefined,
    `all ${total} events of ${client.devices.join()}`,
  );
  for (const device of client.devices) {
    const own = client.seen().filter(({ channel }) => channel === `device:${device}`);
    // Nothing lost, nothing twice, and among it only that the device came: neither a cut line nor a
    // kill of the server is told as its going.
    expect(own.map(({ offset, type, count }) => ({ offset, type, count }))).toEqual([
      { offset: 1, type: "device.online", count: undefined },
      ...Array.from({ length: perDevice }, (_, index) => ({
        offset: index + 2,
        type: "reading",
        count: index + 1,
      })),
    ]);
  }
  expect(readings().length).toBe(total);
}
