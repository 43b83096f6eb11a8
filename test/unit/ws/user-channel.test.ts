import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { clientOf, connect, connected, gatewayWorld, send } from "../../support/gateway-world.ts";

const GRANT = { channels: [], subs: new Map(), devices: [] };

/** The channels somebody is subscribed to who brings this token. */
async function channelsOf(it: ReturnType<typeof gatewayWorld>, token: string): Promise<string[]> {
  await connected(it, token);
  return clientOf(it).subscriptions.channels();
}

describe("the channel of a client's user", () => {
  const namespaces = { "": {} };

  test("is one it is subscribed to without asking, where that is configured", async () => {
    expect(await channelsOf(gatewayWorld({ namespaces, userChannels: true }), "good")).toEqual([
      "#anna",
    ]);
    expect(await channelsOf(gatewayWorld({ namespaces }), "good")).toEqual([]);
  });

  test("is not there for who is not signed in", async () => {
    const it = gatewayWorld({ namespaces, userChannels: true });
    expect(await channelsOf(it, "anonymous")).toEqual([]);
  });

  test("is added to what the backend grants, and kept as it says", async () => {
    const own = parseChannel("#carl");
    const subs = new Map([[own, { data: "[1.0]" }]]);
    const backend = { connect: async () => ({ result: { ...GRANT, user: "carl", subs } }) };
    const it = gatewayWorld({ namespaces, userChannels: true, backend });
    const { handler, socket } = connect(it);
    await send(handler, { id: 1, connect: {} });
    expect(socket.frames[0]).toContain('"subs":{"#carl":{"data":[1.0]}}');
  });
});
