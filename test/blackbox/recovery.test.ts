import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { addDevice } from "../support/cli.ts";
import { Device, FIRST_OFFSET } from "../support/device.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { startSite } from "../support/site.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import type { WireSubscription } from "../support/wire.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const CHANNEL = "device:42";

describe.each(TARGETS)("recovery by offset and epoch on $name", (target) => {
  test("gives everything after the client's offset, or says that it cannot", async () => {
    const config = {
      channels: { device: { history_size: 5 } },
      limits: { recovery_max_publications: 4 },
    };
    await using site = await startSite(target, { config });
    for (let offset = FIRST_OFFSET; offset <= 9; offset += 1)
      await site.device.post({ id: `${offset}`, type: "t", data: offset });
    const fresh = await subscribe(site.server.wsUrl, {});
    expect(fresh).toEqual({
      recoverable: true,
      positioned: true,
      epoch: expect.any(String),
      offset: 9,
    });
    const epoch = fresh.epoch ?? "";
    const top = { recoverable: true, positioned: true, epoch, offset: 9, was_recovering: true };

    const cases = [
      [
        { recover: true, epoch, offset: 6 },
        { offset: 6, recovered: true, got: [7, 8, 9] },
      ],
      [
        { recover: true, epoch, offset: 9 },
        { offset: 9, recovered: true, got: [] },
      ],
      [
        { recover: true, epoch: "", offset: 8 },
        { offset: 8, recovered: true, got: [9] },
      ],
      [
        { recover: true, epoch, offset: 5 },
        { offset: 5, recovered: true, got: [6, 7, 8, 9] },
      ],
      [{ recover: true, epoch, offset: 4 }, top], // five missed, four may be recovered
      [{ recover: true, epoch, offset: 0 }, top], // no longer kept
      [{ recover: true, epoch, offset: 12 }, top], // ahead of the stream
      [{ recover: true, epoch: "elsewhen", offset: 8 }, top],
    ] as const;
    for (const [request, wanted] of cases) {
      const { publications, ...result } = await subscribe(site.server.wsUrl, request);
      const got = publications?.map(({ offset }) => offset) ?? [];
      if ("got" in wanted) {
        const { got: offsets, ...position } = wanted;
        expect({ request, ...result, got }).toEqual({
          request,
          ...top,
          ...position,
          got: [...offsets],
        });
      } else {
        expect({ request, ...result, got }).toEqual({ request, ...wanted, got: [] });
      }
    }
  });

  test("answers error 112 to clients that asked for it in place of recovered: false", async () => {
    await using site = await startSite(target);
    using socket = await connect(site.server.wsUrl);
    const request = { channel: CHANNEL, recover: true, epoch: "elsewhen", offset: 3, flag: 3 };
    expect((await socket.command({ subscribe: request })).error?.code).toBe(112);
    const retry = await socket.command({ subscribe: { channel: CHANNEL } });
    expect(retry.subscribe?.recoverable).toBe(true);
  });

  test("continues across a restart: offsets and epoch survive", async () => {
    await using workspace = await Workspace.make();
    const before = await (async () => {
      await using server = await startPosthorn(target, { workspace });
      const device = new Device(server.url, await addDevice(target, workspace, "42"));
      await device.post([1, 2, 3].map((data) => ({ id: `${data}`, type: "t", data })));
      const position = await subscribe(server.wsUrl, {});
      const quiet = await subscribe(server.wsUrl, { channel: "device:quiet" });
      expect(await server.stop()).toBe(0);
      return { ...position, quiet, secret: device.secret };
    })();

    await using server = await startPosthorn(target, { workspace });
    const device = new Device(server.url, { id: "42", secret: before.secret });
    const { results } = await device.post([
      { id: "3", type: "t", data: 3 },
      { id: "4", type: "t", data: 4 },
    ]);
    expect(results).toEqual([
      { id: "3", duplicate: true, offset: FIRST_OFFSET + 2 },
      { id: "4", offset: FIRST_OFFSET + 3 },
    ]);
    const after = await subscribe(server.wsUrl, { recover: true, epoch: before.epoch, offset: 1 });
    expect(after).toMatchObject({ epoch: before.epoch, recovered: true, offset: 1 });
    expect(after.publications?.map(({ offset }) => offset)).toEqual([2, 3, 4, 5]);
    // A device that has not posted yet has a stream too, whose listeners must not be told of a loss.
    const { epoch } = before.quiet;
    const waiting = { channel: "device:quiet", recover: true, epoch, offset: 0 };
    expect(await subscribe(server.wsUrl, waiting)).toMatchObject({ epoch, recovered: true });
  });

  test("has no gap and no duplicate for clients that recover while devices post", async () => {
    await using site = await startSite(target);
    const { epoch } = await subscribe(site.server.wsUrl, {});
    const last = 200;
    const posting = (async () => {
      for (let offset = FIRST_OFFSET; offset <= last; offset += 1)
        await site.device.post({ type: "t", data: offset });
    })();
    const sockets: FrameSocket[] = [];
    try {
      while (sockets.length < 20) {
        const socket = await connect(site.server.wsUrl);
        sockets.push(socket);
        const request = { channel: CHANNEL, recover: true, epoch, offset: 0 };
        const { subscribe: result } = await socket.command({ subscribe: request });
        const recovered = result?.publications?.map(({ offset }) => offset) ?? [];
        expect(recovered).toEqual(recovered.map((_, index) => index + 1));
      }
      await posting;
      for (const socket of sockets) await expectWhole(socket, last);
    } finally {
      for (const socket of sockets) socket[Symbol.dispose]();
    }
  });
});

/** The offsets a socket got, recovered and live, are 1 to `top` in order. */
async function expectWhole(socket: FrameSocket, top: number): Promise<void> {
  await socket.line(({ subscribe, push }) => {
    const last = subscribe?.publications?.at(-1)?.offset ?? push?.pub?.offset;
    return last === top;
  }, `publication ${top}`);
  const lines = socket.lines.items.filter((line) => line !== "{}").map((line) => JSON.parse(line));
  const offsets = lines.flatMap(({ subscribe, push }) =>
    [...(subscribe?.publications ?? []), ...(push ? [push.pub] : [])].map(({ offset }) => offset),
  );
  expect(offsets).toEqual(Array.from({ length: top }, (_, index) => index + 1));
}

async function connect(wsUrl: string): Promise<FrameSocket> {
  const socket = await FrameSocket.open(`${wsUrl}/connection/websocket`, { pongs: true });
  await socket.command({ connect: { token: signToken({ sub: "u", devices: ["42", "quiet"] }) } });
  return socket;
}

/** Subscribes on a connection of its own and gives the result. */
async function subscribe(
  wsUrl: string,
  request: Readonly<Record<string, unknown>>,
): Promise<WireSubscription> {
  using socket = await connect(wsUrl);
  const reply = await socket.command({ subscribe: { channel: CHANNEL, ...request } });
  return reply.subscribe ?? {};
}
