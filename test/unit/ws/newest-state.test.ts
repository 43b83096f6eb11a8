import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { Fault } from "../../../src/core/faults.ts";
import { countOpenings } from "../../support/count-openings.ts";
import {
  clientOf,
  connect,
  connected,
  DEVICE_42,
  type GatewayWorld,
  gatewayWorld,
  login,
  send,
  settled,
} from "../../support/gateway-world.ts";

const D42 = parseDeviceId("42");
const STATE =
  '{"device":"42","reported":{"t":21.50},"desired":{},"reported_version":1,"desired_version":0}';

function stateWorld(options: Parameters<typeof gatewayWorld>[0] = {}) {
  const it = gatewayWorld(options);
  it.devices.report(D42, '{"t":21.50}');
  return it;
}

async function subscribing(it: GatewayWorld, request: object) {
  const link = await connected(it);
  await send(link.handler, { id: 2, subscribe: { channel: DEVICE_42, ...request } });
  return { ...link, frame: link.socket.frames[1] };
}

async function loggingIn(it: GatewayWorld, token = "good") {
  const { socket } = connect(it, login(token, { withStates: true }));
  await settled();
  return socket;
}

describe('a subscribe request with {"state":true}', () => {
  test("is answered with the newest state, byte for byte", async () => {
    const { frame } = await subscribing(stateWorld(), { data: { state: true } });
    expect(frame).toBe(
      `{"id":2,"subscribe":{"recoverable":true,"epoch":"epochone","positioned":true,"data":{"state":${STATE}}}}`,
    );
  });

  test.each([{}, { data: { state: false } }, { data: 1 }, { data: [true] }, { data: "state" }])(
    "with %j instead brings none",
    async (request) => {
      const { frame } = await subscribing(stateWorld(), request);
      expect(frame).not.toContain('"data"');
    },
  );

  test("brings none in a channel of no device", async () => {
    const it = stateWorld();
    const { handler, socket } = await connected(it);
    for (const channel of ["chat:1", 'device:42"x']) {
      const token = `${channel} for all`;
      await send(handler, { id: 2, subscribe: { channel, token, data: { state: true } } });
    }
    expect(socket.frames.slice(1).join()).not.toContain('"state"');
    expect(socket.replies).toHaveLength(3);
  });

  test.each([
    ['{"a":1.0}', `{"state":${STATE},"a":1.0}`],
    [" { } ", `{"state":${STATE}}`],
    ["[1]", "[1]"],
  ])("lets the data %s of its token stay", async (given, told) => {
    const it = stateWorld({ tokens: { verifySubscription: async () => ({ data: given }) } });
    const { frame } = await subscribing(it, { token: "any", data: { state: true } });
    expect(frame).toContain(`"data":${told}}`);
  });

  test("misses nothing that changes while the state is read", async () => {
    const it = stateWorld();
    const { promise, resolve } = Promise.withResolvers<void>();
    it.devices.beforeState = () => promise;
    const { socket } = await subscribing(it, {
      recover: true,
      epoch: "epochone",
      offset: 0,
      data: { state: true },
    });
    await it.publish(DEVICE_42, '"newer"');
    resolve();
    await settled();
    expect(socket.frames[1]).toContain('"publications":[{"data":"newer","offset":1}]');
    expect(socket.frames).toHaveLength(2);
  });

  test("leaves nothing open when the state cannot be read", async () => {
    const it = stateWorld();
    const link = await connected(it);
    const counts = countOpenings(clientOf(it));
    it.devices.beforeState = () => Promise.reject(new Fault("store_failed"));
    const { socket, handler } = link;
    const request = { channel: DEVICE_42, data: { state: true } };
    await send(handler, { id: 2, subscribe: request });
    expect(counts).toEqual({ open: 0, opened: 1 });
    expect(socket.replies[1]).toMatchObject({ id: 2, error: { code: 100 } });
    await send(handler, { id: 3, subscribe: { channel: DEVICE_42 } });
    expect(socket.replies[2]).toMatchObject({ id: 3, subscribe: {} });
  });
});

describe("/login?state=1", () => {
  test("has the state of each device in the connect push", async () => {
    const socket = await loggingIn(stateWorld());
    expect(socket.frames[0]).toContain(
      `"subs":{"device:42":{"recoverable":true,"epoch":"epochone","positioned":true,"data":{"state":${STATE}}}}`,
    );
  });

  test("has that of a device that is bound later in its push", async () => {
    const it = stateWorld();
    const socket = await loggingIn(it, "bob");
    await it.bindings.bind("bob", D42, ["*"]);
    await settled();
    expect(socket.frames[1]).toContain(`"data":{"state":${STATE}}`);
  });

  test("has none in a channel of no device, and none where nobody asked", async () => {
    const tokens = {
      verify: async () => ({
        user: "anna",
        devices: [],
        subs: new Map(),
        channels: [parseChannel("news:1")],
      }),
    };
    const socket = await loggingIn(stateWorld({ tokens }));
    expect(socket.frames[0]).toContain('"subs":{"news:1":{}}');
    const { socket: other } = connect(stateWorld(), login("good"));
    await settled();
    expect(other.frames[0]).not.toContain('"state"');
  });

  test("leaves out what one answer may not bring", async () => {
    const it = stateWorld({ limits: { recoveryMaxBytes: 150 } });
    const D7 = parseDeviceId("7");
    it.devices.report(D7, '{"n":1}');
    await it.bindings.bind("anna", D7, []);
    const socket = await loggingIn(it);
    expect(socket.frames[0]).toContain(`"data":{"state":${STATE}}`);
    expect(socket.frames[0]).toContain(
      '"device:7":{"recoverable":true,"epoch":"epochone","positioned":true}',
    );
  });

  test("leaves nothing open when a state cannot be read", async () => {
    const it = stateWorld();
    it.devices.beforeState = () => Promise.reject(new Fault("store_failed"));
    const socket = await loggingIn(it);
    expect(socket.closed?.code).toBe(3004);
    expect(it.fanout.members(DEVICE_42)).toBe(0);
  });
});
