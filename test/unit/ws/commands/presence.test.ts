import { describe, expect, test } from "bun:test";
import { connected, gatewayWorld, send } from "../../../support/gateway-world.ts";

const METHODS = ["presence", "presence_stats"] as const;

describe.each([...METHODS])("%s", (method) => {
  test.each([
    ["is refused with 103 to whoever is not subscribed", "chat:1", 103],
    ["is refused with 108 where presence is not kept", "news:1", 108],
    ["is refused with 108 rather than 103 where neither is there", "device:7", 108],
    ["is refused with 102 in no namespace", "nowhere:1", 102],
    ["is refused with 107 for what is no channel", "with space", 107],
  ])("%s", async (_, channel, code) => {
    const { socket, handler } = await connected(gatewayWorld());
    await send(handler, { id: 2, [method]: { channel } });
    expect(socket.replies[1]).toMatchObject({ id: 2, error: { code } });
  });
});

describe("presence", () => {
  test("lists every client of the channel by its id", async () => {
    const it = gatewayWorld();
    const { socket, handler } = await connected(it, "known");
    const other = await connected(it, "bob");
    for (const link of [handler, other.handler]) {
      await send(link, { id: 2, subscribe: { channel: "chat:1" } });
    }
    await send(handler, { id: 3, presence: { channel: "chat:1" } });
    expect(socket.replies.at(-1)).toEqual({
      id: 3,
      presence: {
        presence: {
          "uuid-1": { user: "anna", client: "uuid-1", conn_info: { name: "Anna" } },
          "uuid-2": { user: "bob", client: "uuid-2" },
        },
      },
    });
  });

  test("is allowed without a subscription where the namespace says so", async () => {
    const namespaces = { open: { presence: true, allowPresence: "client" as const } };
    const { socket, handler } = await connected(gatewayWorld({ namespaces }));
    await send(handler, { id: 2, presence: { channel: "open:1" } });
    expect(socket.frames[1]).toBe('{"id":2,"presence":{"presence":{}}}');
  });
});

describe("presence_stats", () => {
  test("counts clients and users", async () => {
    const it = gatewayWorld();
    const { socket, handler } = await connected(it);
    const again = await connected(it);
    for (const link of [handler, again.handler]) {
      await send(link, { id: 2, subscribe: { channel: "chat:1" } });
    }
    await send(handler, { id: 3, presence_stats: { channel: "chat:1" } });
    expect(socket.frames.at(-1)).toBe('{"id":3,"presence_stats":{"num_clients":2,"num_users":1}}');
  });
});
