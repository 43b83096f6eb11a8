import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { addDevice, type DeviceCredentials } from "../support/cli.ts";
import { FIRST_OFFSET } from "../support/device.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { type Posthorn, startPosthorn } from "../support/posthorn.ts";
import { dialUntil, RenewedFiles, renewal } from "../support/renewals.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS, type Target } from "../support/targets.ts";
import { namesShown } from "../support/tls-client.ts";
import { signToken } from "../support/tokens.ts";
import { parseLine } from "../support/wire.ts";
import { Workspace } from "../support/workspace.ts";

/** As fast as the server takes them, which is one in about 1.6 s; 40 of them are a minute. */
const RENEWALS = Number(process.env["RENEWALS"] ?? 9);
const CALLERS = 6;
const OLD_SOCKETS = 5;

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS + RENEWALS * 3_000);

describe.each(TARGETS)("a certificate that is renewed under load on $name", (target) => {
  test("costs no connection, and sockets that were open live on and get every publication", async () => {
    await using site = await securedSite(target);
    const { server, files, sockets, device } = site;
    const renewals = renewOften(server, files);
    const posting = postUntil(renewals, server, device);
    const { connections, failures } = await dialUntil(renewals, server.port, CALLERS);
    const posted = await posting;
    await renewals;
    // Where sockets end with their listener, there is a moment in which nobody listens.
    if (!target.keepsSockets) {
      const ends = await Promise.all(sockets.map((it) => it.end()));
      for (const { code, reason } of ends) {
        expect(code).toBe(4002);
        expect(JSON.parse(reason)).toMatchObject({
          reconnect: true,
          retry_after_ms: expect.any(Number),
        });
      }
      return;
    }
    expect(failures).toEqual([]);
    expect(connections).toBeGreaterThan(RENEWALS * CALLERS);
    expect(posted).not.toContain(undefined);
    const channel = `device:${device.id}`;
    const last = posted.at(-1) ?? 0;
    for (const socket of sockets) {
      await socket.publication(channel, last);
      const wanted = Array.from({ length: last - FIRST_OFFSET + 1 }, (_, it) => FIRST_OFFSET + it);
      expect(offsetsIn(socket, channel).filter((it) => it >= FIRST_OFFSET)).toEqual(wanted);
    }
  });
});

async function securedSite(target: Target) {
  await using scope = new AsyncDisposableStack();
  const workspace = scope.use(await Workspace.make());
  const files = new RenewedFiles(workspace);
  const { ca } = await files.renew();
  const config = { tls: { cert: files.cert, key: files.key } };
  const server = scope.use(await startPosthorn(target, { workspace, config }));
  const device = await addDevice(target, workspace, "42");
  const token = signToken({ sub: "u", devices: ["42"] });
  const url = `${server.wsUrl}/login?token=${token}`;
  const opening = Array.from({ length: OLD_SOCKETS }, () =>
    FrameSocket.open(url, { ca, pongs: true }),
  );
  const sockets = await Promise.all(opening);
  for (const socket of sockets) {
    scope.use(socket);
    await socket.line(({ push }) => push?.connect !== undefined, "hello");
  }
  const owned = scope.move();
  return {
    ...{ server, files, sockets, device },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Each has another name, so that it shows whether the newest is served. */
async function renewOften(server: Posthorn, files: RenewedFiles): Promise<void> {
  for (let count = 1; count <= RENEWALS; count += 1) {
    const from = server.logs.items.length;
    const name = `renewal-${count}.test`;
    await files.renew(["localhost", name]);
    await renewal(server, from);
    expect(await namesShown({ port: server.port })).toEqual(["localhost", name]);
  }
}

/** Posts one event after the other, each on a connection of its own; gives their offsets, or what went wrong. */
async function postUntil(
  done: Promise<unknown>,
  server: Posthorn,
  { id, secret }: DeviceCredentials,
): Promise<(number | undefined)[]> {
  const offsets: (number | undefined)[] = [];
  let isDone = false;
  const end = () => {
    isDone = true;
  };
  done.then(end, end);
  while (!isDone) {
    offsets.push(await postOnce(server, id, secret).catch(() => undefined));
  }
  return offsets;
}

async function postOnce(server: Posthorn, id: string, secret: string): Promise<number | undefined> {
  const answer = await fetch(`${server.url}/v1/devices/${id}/events`, {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, connection: "close" },
    body: JSON.stringify({ type: "reading", data: 1 }),
    tls: { rejectUnauthorized: false },
  });
  const { results } = (await answer.json()) as { results: { offset: number }[] };
  return results[0]?.offset;
}

function offsetsIn(socket: FrameSocket, channel: string): number[] {
  return socket.lines.items
    .map(parseLine)
    .flatMap(({ push }) => (push?.channel === channel ? [push.pub?.offset ?? 0] : []));
}
