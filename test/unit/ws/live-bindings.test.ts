import { describe, expect, test } from "bun:test";
import { parseChannel } from "../../../src/core/channel.ts";
import { type DeviceId, parseDeviceId } from "../../../src/core/device-id.ts";
import { Fault } from "../../../src/core/faults.ts";
import { maySee, maySend } from "../../../src/core/grants.ts";
import { LIMITS as CORE_LIMITS } from "../../../src/core/limits.ts";
import {
  clientOf,
  connect,
  connected,
  type GatewayWorld,
  gatewayWorld,
  login,
  send,
  settled,
} from "../../support/gateway-world.ts";

const D7 = parseDeviceId("7");
const D8 = parseDeviceId("8");
const DEVICE_7 = parseChannel("device:7");

const BOUND =
  '{"push":{"channel":"device:7","subscribe":{"recoverable":true,"epoch":"epochone","positioned":true}}}';
const UNBOUND =
  '{"push":{"channel":"device:7","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}';

async function worldWhere(...devices: readonly DeviceId[]) {
  const it = gatewayWorld();
  for (const device of devices) await it.bindings.bind("bob", device, ["lamp.*"]);
  return it;
}

/** Bob has no device of his own right. */
async function loggedIn(it: GatewayWorld, token = "bob") {
  const link = connect(it, login(token));
  await settled();
  return link;
}

function subsIn(frame: string | undefined): string[] {
  return Object.keys(JSON.parse(frame ?? "").push.connect.subs ?? {});
}

describe("a user's devices, when a client comes", () => {
  test("are what a client on /login is subscribed to", async () => {
    const it = await worldWhere(D8, D7);
    const { socket } = await loggedIn(it);
    expect(subsIn(socket.frames[0])).toEqual(["device:7", "device:8"]);
    await it.publish(DEVICE_7, "1");
    expect(socket.frames[1]).toContain('"pub":{"data":1,"offset":1}');
  });

  test("are granted to a client that connects by command, which is subscribed to nothing", async () => {
    const it = await worldWhere(D7);
    const { socket, handler } = await connected(it, "bob");
    expect(socket.frames[0]).not.toContain("subs");
    expect(maySend(clientOf(it).identity, D7, "lamp.on")).toBe(true);
    expect(maySend(clientOf(it).identity, D7, "door.open")).toBe(false);
    await send(handler, { id: 2, subscribe: { channel: DEVICE_7 } });
    expect(socket.replies[1]).toMatchObject({ id: 2, subscribe: { recoverable: true } });
  });

  test("may be asked for by a client that only listens", async () => {
    const it = await worldWhere(D7);
    const text = JSON.stringify({ token: "bob", subs: { "device:7": {} } });
    const { socket } = connect(it, { by: "request", text });
    await settled();
    expect(socket.frames[0]).toContain('"subs":{"device:7":');
    await it.bindings.unbind("bob", D7);
    expect(socket.frames[1]).toBe(
      '{"channel":"device:7","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}',
    );
  });

  test("add to what its token names, once each", async () => {
    const it = gatewayWorld();
    for (const id of ["42", "7"]) await it.bindings.bind("anna", parseDeviceId(id), []);
    const { socket } = await loggedIn(it, "subscribed");
    expect(subsIn(socket.frames[0])).toEqual(["device:42", "device:7"]);
  });

  test("are left out where it has as many channels as it may, which the log tells", async () => {
    const it = gatewayWorld({ limits: { channelsPerClient: 3 } });
    for (const id of ["1", "2", "3", "4"]) await it.bindings.bind("anna", parseDeviceId(id), []);
    const { socket } = await loggedIn(it, "good");
    expect(subsIn(socket.frames[0])).toEqual(["device:42", "device:1", "device:2"]);
    expect(it.log.of("client.channels_full")).toEqual([
      { client: "uuid-1", user: "anna", leftOut: 2 },
    ]);
    expect(maySee(clientOf(it).identity, parseDeviceId("4"))).toBe(true);
  });

  test("are not asked for where nobody in particular comes", async () => {
    const it = gatewayWorld();
    it.owners.bindingsOfUser = () => Promise.reject(new Error("asked"));
    await loggedIn(it, "");
    await loggedIn(it, "anonymous");
    expect(it.registry.size).toBe(2);
  });

  test("that cannot be read keep it out for now", async () => {
    const it = gatewayWorld();
    it.owners.bindingsOfUser = () => Promise.reject(new Fault("store_failed"));
    expect((await loggedIn(it)).socket.closed?.code).toBe(3004);
    const { socket } = await connected(it, "bob");
    expect(socket.replies[0]).toMatchObject({ error: { code: 100, temporary: true } });
  });
});

describe("what changes while a client comes", () => {
  /** Holds the reading of the client's streams, so that its bindings were read and it is not registered. */
  async function coming(it: GatewayWorld, change: () => Promise<void>) {
    const release = it.streams.holdHistory();
    const { socket } = connect(it, login("bob"));
    await settled();
    expect(socket.frames).toEqual([]);
    await change();
    release();
    await settled();
    return socket;
  }

  test("a device that is bound is subscribed to just behind the connect push", async () => {
    const it = await worldWhere(D8);
    const socket = await coming(it, () => it.bindings.bind("bob", D7, ["*"]));
    expect(subsIn(socket.frames[0])).toEqual(["device:8"]);
    expect(socket.frames.slice(1)).toEqual([BOUND]);
    expect(maySend(clientOf(it).identity, D7, "door.open")).toBe(true);
  });

  test("a device that is unbound is not in the connect push", async () => {
    const it = await worldWhere(D7, D8);
    const socket = await coming(it, () => it.bindings.unbind("bob", D7));
    expect(socket.frames).toHaveLength(1);
    expect(subsIn(socket.frames[0])).toEqual(["device:8"]);
    expect(maySee(clientOf(it).identity, D7)).toBe(false);
    await it.publish(DEVICE_7, "1");
    expect(socket.frames).toHaveLength(1);
  });

  test("a device that is removed is not in the connect push", async () => {
    const it = await worldWhere(D7);
    const socket = await coming(it, async () => it.bindings.deviceRemoved(D7));
    expect(subsIn(socket.frames[0])).toEqual([]);
  });

  test("what it may send is what it may by now", async () => {
    const it = await worldWhere(D7);
    const socket = await coming(it, () => it.bindings.bind("bob", D7, ["door.*"]));
    expect(subsIn(socket.frames[0])).toEqual(["device:7"]);
    expect(maySend(clientOf(it).identity, D7, "door.open")).toBe(true);
    expect(maySend(clientOf(it).identity, D7, "lamp.on")).toBe(false);
  });

  test("a change during the reading of the bindings counts, whatever was read", async () => {
    const it = await worldWhere(D7);
    const release = it.owners.hold("reads");
    const { socket } = connect(it, login("bob"));
    await settled();
    await it.bindings.unbind("bob", D7);
    release();
    await settled();
    expect(subsIn(socket.frames[0])).toEqual([]);
    expect(maySee(clientOf(it).identity, D7)).toBe(false);
  });

  test("more changes than are remembered let it come again", async () => {
    const it = await worldWhere(D8);
    const socket = await coming(it, async () => {
      for (let n = 0; n <= CORE_LIMITS.bindingChangesRemembered; n += 1) {
        it.bindings.deviceRemoved(D7);
      }
    });
    expect(socket.closed).toEqual({ code: 3010, reason: "insufficient state" });
    expect(it.fanout.members(parseChannel("device:8"))).toBe(0);
  });
});

describe("what changes while a client is there", () => {
  test.each(["/login", "/connection/websocket"])(
    "on %s: a bound device is subscribed to at once, and left when it is unbound",
    async (path) => {
      const it = gatewayWorld();
      const { socket } = path === "/login" ? await loggedIn(it) : await connected(it, "bob");
      await it.bindings.bind("bob", D7, ["*"]);
      await settled();
      await it.publish(DEVICE_7, "1");
      await it.bindings.unbind("bob", D7);
      await it.publish(DEVICE_7, "2");
      expect(socket.frames.slice(1)).toEqual([
        BOUND,
        '{"push":{"channel":"device:7","pub":{"data":1,"offset":1}}}',
        UNBOUND,
      ]);
      expect(maySee(clientOf(it).identity, D7)).toBe(false);
    },
  );

  test("reaches every client of the user and no other", async () => {
    const it = gatewayWorld();
    const mine = [await loggedIn(it), await loggedIn(it)];
    const other = await loggedIn(it, "known");
    await it.bindings.bind("bob", D7, []);
    await settled();
    expect(mine.map(({ socket }) => socket.frames[1])).toEqual([BOUND, BOUND]);
    expect(other.socket.frames).toHaveLength(1);
    expect(maySee(clientOf(it, "uuid-3").identity, D7)).toBe(false);
  });

  test("other commands change the grant and nothing else", async () => {
    const it = await worldWhere(D7);
    const { socket } = await loggedIn(it);
    await it.bindings.bind("bob", D7, ["door.*"]);
    await settled();
    expect(socket.frames).toHaveLength(1);
    expect(maySend(clientOf(it).identity, D7, "door.open")).toBe(true);
    expect(maySend(clientOf(it).identity, D7, "lamp.on")).toBe(false);
  });

  test("other commands subscribe nobody who left or never came", async () => {
    const it = await worldWhere(D7);
    const [{ socket, handler }, other] = [await loggedIn(it), await connected(it, "bob")];
    await send(handler, { id: 2, unsubscribe: { channel: DEVICE_7 } });
    await it.bindings.bind("bob", D7, ["door.*"]);
    await settled();
    expect(socket.frames.slice(2)).toEqual([]);
    expect(other.socket.frames).toHaveLength(1);
  });

  test("unbinding leaves what the token itself lets the client see", async () => {
    const it = gatewayWorld();
    await it.bindings.bind("anna", parseDeviceId("42"), ["*"]);
    const { socket } = await loggedIn(it, "good");
    await it.bindings.unbind("anna", parseDeviceId("42"));
    expect(socket.frames).toHaveLength(1);
    expect(clientOf(it).subscriptions.size).toBe(1);
    expect(maySend(clientOf(it).identity, parseDeviceId("42"), "ping")).toBe(false);
  });

  test("unbinding ends what the client subscribed to by the binding alone", async () => {
    const it = await worldWhere(D7);
    const { socket, handler } = await connected(it, "bob");
    await send(handler, { id: 2, subscribe: { channel: DEVICE_7 } });
    await it.bindings.unbind("bob", D7);
    expect(socket.frames[2]).toBe(UNBOUND);
    await send(handler, { id: 3, subscribe: { channel: DEVICE_7 } });
    expect(socket.replies[3]).toMatchObject({ id: 3, error: { code: 103 } });
  });

  test("unbinding leaves what a subscription token lets it into", async () => {
    const it = await worldWhere(D7);
    const { socket, handler } = await connected(it, "bob");
    const token = "device:7 for all";
    await send(handler, { id: 2, subscribe: { channel: DEVICE_7, token } });
    await it.bindings.unbind("bob", D7);
    expect(socket.frames).toHaveLength(2);
    expect(clientOf(it).subscriptions.size).toBe(1);
  });

  test("a removed device is lost to everyone who owned it", async () => {
    const it = await worldWhere(D7, D8);
    const { socket } = await loggedIn(it);
    it.bindings.deviceRemoved(D7);
    expect(socket.frames.slice(1)).toEqual([UNBOUND]);
    expect([...clientOf(it).identity.bindings.keys()]).toEqual([D8]);
  });

  test("one channel too many is left out, which the log tells, and the client stays", async () => {
    const it = gatewayWorld({ limits: { channelsPerClient: 1 } });
    const { socket } = await loggedIn(it, "good");
    await it.bindings.bind("anna", D7, ["*"]);
    await settled();
    expect(socket.frames).toHaveLength(1);
    expect(socket.closed).toBeUndefined();
    expect(it.log.of("client.channels_full")).toEqual([{ client: "uuid-1", leftOut: 1 }]);
    expect(maySee(clientOf(it).identity, D7)).toBe(true);
  });

  test("a device whose stream cannot be read lets the client come again", async () => {
    const it = gatewayWorld();
    const { socket } = await loggedIn(it);
    it.streams.history = () => Promise.reject(new Fault("store_failed"));
    await it.bindings.bind("bob", D7, ["*"]);
    await settled();
    expect(socket.closed?.code).toBe(3010);
    expect(it.log.of("task.failed")).toMatchObject([{ stage: "client.binding" }]);
  });

  test("unbinding while the subscription is being opened leaves nothing behind", async () => {
    const it = gatewayWorld();
    const { socket } = await loggedIn(it);
    const release = it.streams.holdHistory();
    await it.bindings.bind("bob", D7, ["*"]);
    await it.bindings.unbind("bob", D7);
    release();
    await settled();
    expect(socket.frames).toHaveLength(1);
    expect(it.fanout.members(DEVICE_7)).toBe(0);
  });

  test("unbinding while the client subscribes by itself is a refusal", async () => {
    const it = await worldWhere(D7);
    const { socket, handler } = await connected(it, "bob");
    const release = it.streams.holdHistory();
    await send(handler, { id: 2, subscribe: { channel: DEVICE_7 } });
    await it.bindings.unbind("bob", D7);
    release();
    await settled();
    expect(socket.replies[1]).toMatchObject({ id: 2, error: { code: 103 } });
    expect(it.fanout.members(DEVICE_7)).toBe(0);
  });
});
