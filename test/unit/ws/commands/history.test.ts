import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../../src/core/channel.ts";
import { connected, gatewayWorld, send } from "../../../support/gateway-world.ts";

const CHAT = parseChannel("chat:1");

async function subscribed(options: Parameters<typeof gatewayWorld>[0] = {}) {
  const it = gatewayWorld(options);
  const data = ["1.0", '{"2":1,"1":2}', "3"];
  for (const text of data) await it.publish(CHAT, text);
  const link = await connected(it);
  await send(link.handler, { id: 2, subscribe: { channel: CHAT, delta: "fossil" } });
  link.socket.frames.length = 0;
  return { it, ...link };
}

describe("history", () => {
  test("tells where the stream stands when no limit is given", async () => {
    const { socket, handler } = await subscribed();
    await send(handler, { id: 3, history: { channel: CHAT } });
    expect(socket.frames).toEqual([
      '{"id":3,"history":{"publications":[],"epoch":"epochone","offset":3}}',
    ]);
  });

  test("gives publications byte for byte, never as differences", async () => {
    const { socket, handler } = await subscribed();
    await send(handler, { id: 3, history: { channel: CHAT, limit: 2 } });
    expect(socket.frames).toEqual([
      '{"id":3,"history":{"publications":[{"data":1.0,"offset":1},{"data":{"2":1,"1":2},"offset":2}],"epoch":"epochone","offset":3}}',
    ]);
  });

  test.each<[string, object, readonly number[]]>([
    ["all that is kept", { limit: -1 }, [1, 2, 3]],
    ["what follows", { limit: -1, since: { offset: 2, epoch: "epochone" } }, [3]],
    ["the newest first", { limit: 2, reverse: true }, [3, 2]],
    ["what came before", { limit: 9, reverse: true, since: { offset: 2, epoch: "" } }, [1]],
  ])("gives %s", async (_, page, offsets) => {
    const { socket, handler } = await subscribed();
    await send(handler, { id: 3, history: { channel: CHAT, ...page } });
    expect(socket.replies).toMatchObject([
      { history: { publications: offsets.map((offset) => ({ offset })) } },
    ]);
  });

  test("ends a page before it weighs more than one answer may", async () => {
    const { socket, handler } = await subscribed({ limits: { recoveryMaxBytes: 16 } });
    await send(handler, { id: 3, history: { channel: CHAT, limit: -1 } });
    const since = { offset: 2, epoch: "epochone" };
    await send(handler, { id: 4, history: { channel: CHAT, limit: -1, since } });
    expect(socket.replies).toMatchObject([
      { history: { publications: [{ offset: 1 }, { offset: 2 }], offset: 3 } },
      { history: { publications: [{ offset: 3 }], offset: 3 } },
    ]);
  });

  test.each<[string, object, number]>([
    ["another epoch", { channel: CHAT, since: { offset: 1, epoch: "otherone" } }, 112],
    ["what came before the first", { channel: CHAT, reverse: true, since: { offset: 0 } }, 107],
    ["a channel that keeps nothing", { channel: "news:1" }, 108],
    ["a channel of others", { channel: "chat:2" }, 103],
    ["a channel of no namespace", { channel: "nowhere:1" }, 102],
  ])("of %s is refused with an error", async (_, request, code) => {
    const { socket, handler } = await subscribed();
    await send(handler, { id: 3, history: request });
    expect(socket.replies).toMatchObject([{ id: 3, error: { code } }]);
  });
});
