import { expect, test } from "bun:test";
import { connected, gatewayWorld, send } from "../../../support/gateway-world.ts";

test.each<[string, object]>([
  ["without an id", { send: { data: 1 } }],
  ["with one", { id: 2, send: {} }],
])("send %s closes with 3508, since nobody takes it", async (_, command) => {
  const { socket, handler } = await connected(gatewayWorld());
  await send(handler, command);
  expect(socket.closed).toEqual({ code: 3508, reason: "not available" });
  expect(socket.frames).toHaveLength(1);
});
