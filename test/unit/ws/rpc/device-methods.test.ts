import { describe, expect, test } from "bun:test";
import { parseDeviceId } from "../../../../src/core/device-id.ts";
import {
  connected,
  type GatewayWorld,
  gatewayWorld,
  send,
} from "../../../support/gateway-world.ts";

const D42 = parseDeviceId("42");

async function calling(it: GatewayWorld, token: string, rpc: object) {
  const { socket, handler } = await connected(it, token);
  await send(handler, { id: 2, rpc });
  return { frame: socket.frames[1], reply: socket.replies[1] };
}

function withDevice(options: Parameters<typeof gatewayWorld>[0] = {}) {
  const it = gatewayWorld(options);
  it.devices.add(D42, {
    name: "door",
    meta: '{"sim":89860012345678901234}',
    createdAtMs: 1,
    online: true,
    generation: 3,
    presenceAtMs: 5,
    sighting: { seenAtMs: 7, address: "192.0.2.99", appVersion: "1.2" },
    push: { provider: "jpush", token: "canary" },
  });
  it.devices.report(D42, '{"t":21.50}');
  return it;
}

const DOOR =
  '"id":"42","name":"door","meta":{"sim":89860012345678901234},"online":true,"online_changed_at":5,"last_seen_at":7,"app_version":"1.2","created_at":1';

describe("device.get", () => {
  const get = { method: "device.get", data: { device: "42" } };

  test("tells of a device and its state, byte for byte, and not of what is the backend's", async () => {
    const { frame } = await calling(withDevice(), "good", get);
    expect(frame).toBe(
      `{"id":2,"rpc":{"data":{${DOOR},"state":{"device":"42","reported":{"t":21.50},"desired":{},"reported_version":1,"desired_version":0}}}}`,
    );
  });

  test("tells of a device that was bound meanwhile", async () => {
    const it = withDevice();
    const { socket, handler } = await connected(it, "bob");
    await it.bindings.bind("bob", D42, []);
    await send(handler, { id: 2, rpc: get });
    expect(socket.frames.at(-1)).toContain(DOOR);
  });

  test("leaves out what is not known yet", async () => {
    const it = gatewayWorld({ unrestricted: true });
    it.devices.add(D42);
    const { frame } = await calling(it, "", get);
    expect(frame).toContain(
      '{"id":"42","name":"","meta":{},"online":false,"created_at":0,"state":',
    );
  });

  test.each([
    ["bob", { device: "42" }, 103],
    ["bob", { device: "nowhere" }, 103],
    ["good", {}, 107],
    ["good", { device: "@" }, 107],
  ])("is refused for %s and %j with %d", async (token, data, code) => {
    const { reply } = await calling(withDevice(), token, { method: "device.get", data });
    expect(reply).toMatchObject({ id: 2, error: { code } });
  });

  test("answers 404 to who may see a device that is not there", async () => {
    const { reply } = await calling(gatewayWorld(), "good", get);
    expect(reply).toEqual({
      id: 2,
      error: { code: 404, message: 'Cannot find device: there is no device "42"' },
    });
  });
});

describe("device.list", () => {
  const list = (data?: object) => ({ method: "device.list", ...(data && { data }) });

  async function fleet(options: Parameters<typeof gatewayWorld>[0] = {}) {
    const it = gatewayWorld(options);
    for (const id of ["42", "a", "b", "c", "z"]) it.devices.add(parseDeviceId(id));
    for (const id of ["c", "a", "b", "42"]) {
      await it.bindings.bind("anna", parseDeviceId(id), []);
    }
    return it;
  }

  async function idsOf(it: GatewayWorld, token: string, data?: object) {
    const { reply } = await calling(it, token, list(data));
    const { devices, next } = (
      reply as { rpc: { data: { devices: { id: string }[]; next?: string } } }
    ).rpc.data;
    return [devices.map(({ id }) => id), next];
  }

  test("tells of what a token and bindings let a client see, each once, in order", async () => {
    expect(await idsOf(await fleet(), "good")).toEqual([["42", "a", "b", "c"], undefined]);
  });

  test("goes in pages", async () => {
    const it = await fleet();
    expect(await idsOf(it, "good", { limit: 2 })).toEqual([["42", "a"], "a"]);
    expect(await idsOf(it, "good", { limit: 2, after: "a" })).toEqual([["b", "c"], undefined]);
    expect(await idsOf(it, "good", { after: "c" })).toEqual([[], undefined]);
  });

  test("leaves out devices that nobody has added, and still tells where to go on", async () => {
    const it = await fleet();
    it.devices.records.delete(parseDeviceId("a"));
    expect(await idsOf(it, "good", { limit: 2 })).toEqual([["42"], "a"]);
  });

  test("is empty for who may see nothing", async () => {
    const { frame } = await calling(await fleet(), "bob", list());
    expect(frame).toBe('{"id":2,"rpc":{"data":{"devices":[]}}}');
  });

  test("tells of all in development, in pages", async () => {
    const it = await fleet({ unrestricted: true });
    expect(await idsOf(it, "", { limit: 4 })).toEqual([["42", "a", "b", "c"], "c"]);
    expect(await idsOf(it, "", { limit: 4, after: "c" })).toEqual([["z"], undefined]);
  });

  test.each([{ limit: 0 }, { limit: 101 }, { after: "@" }, { search: "x" }])(
    "refuses %j with 107",
    async (data) => {
      const { reply } = await calling(await fleet(), "good", list(data));
      expect(reply).toMatchObject({ error: { code: 107 } });
    },
  );
});
