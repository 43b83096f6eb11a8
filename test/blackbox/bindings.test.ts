import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Fleet } from "../support/fleet.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { first, SdkClient } from "../support/sdk-client.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";
import type { WireConnect, WireLine } from "../support/wire.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const CHANNEL = "device:till-1";
const BINDING = "/v1/users/anna/devices/till-1";

/** Opens a client of `/login` and gives its connect push too. */
async function login(fleet: Fleet, token = signToken({ sub: "anna" })) {
  const socket = await FrameSocket.open(`${fleet.server.wsUrl}/login?token=${token}`);
  const line = await socket.line(({ push }) => push?.connect !== undefined, "the connect push");
  return { socket, connect: JSON.parse(line).push.connect as WireConnect };
}

async function rawClient(fleet: Fleet, token = signToken({ sub: "anna" })): Promise<FrameSocket> {
  const socket = await FrameSocket.open(`${fleet.server.wsUrl}/connection/websocket`);
  await socket.command({ connect: { token } });
  return socket;
}

function pushOf(socket: FrameSocket, kind: "subscribe" | "unsubscribe"): Promise<string> {
  const isIt = ({ push }: WireLine) => push?.channel === CHANNEL && kind in push;
  return socket.line(isIt, `the ${kind} push`);
}

interface RpcReply extends WireLine {
  readonly rpc?: { readonly data: Readonly<Record<string, unknown>> };
}

function rpc(socket: FrameSocket, method: string, data: object): Promise<RpcReply> {
  return socket.command({ rpc: { method, data } });
}

const RING = { device: "till-1", type: "ring" };

describe.each(TARGETS)("a user's device at $name", (target) => {
  test("comes to every live client of the user at once, and leaves them at once", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    const { socket: page, connect } = await login(fleet);
    using _page = page;
    expect(connect.subs).toBeUndefined();
    using raw = await rawClient(fleet);
    using sdk = new SdkClient(fleet.server, { token: signToken({ sub: "anna" }) });
    await sdk.connected();
    using stranger = await rawClient(fleet, signToken({ sub: "bert" }));

    const bound = await fleet.api("PUT", BINDING);
    expect(bound.body).toMatchObject({ user: "anna", device: "till-1", commands: ["*"] });
    await pushOf(page, "subscribe");
    await pushOf(raw, "subscribe");
    await first(sdk.heard.subscribed, "the subscription", ({ channel }) => channel === CHANNEL);
    await till.ask("POST", "/events", { body: { id: "e-1", type: "t", data: 1 } });
    const isEvent = (line: string) => line.includes('"e-1"');
    await page.lines.find(isEvent, { what: "the event on the page" });
    await raw.lines.find(isEvent, { what: "the event on the raw client" });
    await first(
      sdk.heard.publication,
      "the event in the SDK",
      ({ channel }) => channel === CHANNEL,
    );

    expect((await fleet.api("DELETE", BINDING)).status).toBe(204);
    const ended = [await pushOf(page, "unsubscribe"), await pushOf(raw, "unsubscribe")];
    for (const line of ended) expect(JSON.parse(line).push.unsubscribe.code).toBe(2000);
    await first(sdk.heard.unsubscribed, "the end", ({ channel }) => channel === CHANNEL);
    await till.ask("POST", "/events", { body: { id: "e-2", type: "t", data: 2 } });
    // Answers come behind whatever was published before, so that by now it would be here.
    for (const client of [page, raw, stranger]) {
      const denied = await client.command({ subscribe: { channel: CHANNEL } });
      expect(denied.error?.code).toBe(103);
      expect(client.lines.items.some((line) => line.includes('"e-2"'))).toBe(false);
    }
    expect(stranger.lines.items.some((line) => line.includes("till-1"))).toBe(false);
    expect((await fleet.api("DELETE", BINDING)).body["code"]).toBe("binding_unknown");
  });

  test("is there from the start for who comes later, until it is removed", async () => {
    await using fleet = await Fleet.start(target);
    await fleet.addDevice("till-1");
    await fleet.addDevice("till-2");
    await fleet.api("PUT", BINDING);
    await fleet.api("PUT", "/v1/users/anna/devices/till-2", { body: { commands: [] } });
    await fleet.killAndRestart();
    const { socket, connect } = await login(fleet);
    using page = socket;
    expect(Object.keys(connect.subs ?? {}).sort()).toEqual([CHANNEL, "device:till-2"]);
    expect((await fleet.api("GET", "/v1/users/anna/devices")).body["devices"]).toEqual([
      { id: "till-1", commands: ["*"] },
      { id: "till-2", commands: [] },
    ]);
    expect((await fleet.api("GET", "/v1/devices/till-1/users")).body["users"]).toEqual([
      { user: "anna", commands: ["*"] },
    ]);
    await fleet.api("DELETE", "/v1/devices/till-1");
    await pushOf(page, "unsubscribe");
    expect((await rpc(page, "device.get", { device: "till-1" })).error?.code).toBe(103);
    const { devices } = (await fleet.api("GET", "/v1/users/anna/devices")).body;
    expect(devices).toEqual([{ id: "till-2", commands: [] }]);
    const unknown = await fleet.api("PUT", BINDING);
    expect([unknown.status, unknown.body["code"]]).toEqual([404, "device_unknown"]);
  });

  test("takes the commands that its user may send, and no longer than they may", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    const { socket: page } = await login(fleet);
    using _page = page;
    using raw = await rawClient(fleet);
    const clients = [page, raw];
    for (const client of clients) {
      expect((await rpc(client, "command.send", RING)).error?.code).toBe(103);
    }
    await fleet.api("PUT", BINDING, { body: { commands: ["ring", "lamp.*"] } });
    for (const client of clients) {
      const sent = await rpc(client, "command.send", { ...RING, data: { n: 1 } });
      expect(sent.rpc?.data).toMatchObject({
        type: "ring",
        status: "queued",
        sender: { kind: "user", user: "anna" },
      });
      expect(
        (await rpc(client, "command.send", { ...RING, type: "lamp.on" })).error,
      ).toBeUndefined();
      const denied = await rpc(client, "command.send", { ...RING, type: "open" });
      expect(denied.error).toMatchObject({ code: 103, message: expect.stringContaining("open") });
    }
    await fleet.api("PUT", BINDING, { body: { commands: ["open"] } });
    for (const client of clients) {
      expect((await rpc(client, "command.send", RING)).error?.code).toBe(103);
      expect((await rpc(client, "command.send", { ...RING, type: "open" })).error).toBeUndefined();
    }
    await fleet.api("DELETE", BINDING);
    for (const client of clients) {
      for (const type of ["ring", "open"]) {
        const denied = await rpc(client, "command.send", { ...RING, type });
        expect(denied.error?.code).toBe(103);
      }
    }
    const { commands } = await till.poll("wait=0&max=20");
    expect(commands.map(({ type }) => type)).toEqual([
      ...["ring", "lamp.on", "ring", "lamp.on"],
      ...["open", "open"],
    ]);
  });

  test("answers a client that waits with its result, while the client goes on", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    await fleet.api("PUT", BINDING);
    using raw = await rawClient(fleet);
    using sdk = new SdkClient(fleet.server, { token: signToken({ sub: "anna" }) });
    await sdk.connected();
    raw.send(
      JSON.stringify({ id: 50, rpc: { method: "command.send", data: { ...RING, wait: 20 } } }),
    );
    const command = await till.next();
    const seen = await rpc(raw, "command.get", { device: "till-1", id: command.id });
    expect(seen.rpc?.data).toMatchObject({ status: "leased", attempt: 1 });
    await till.settle(command.id, '{"ok":true,"data":{"n":9007199254740993}}');
    const reply = await raw.line(({ id }) => id === 50, "the reply to who waited");
    expect(reply).toContain('"result":{"ok":true,"data":{"n":9007199254740993}}');

    const waiting = sdk.centrifuge.rpc("command.send", { ...RING, type: "open", wait: 20 });
    await till.settle((await till.next()).id, {
      ok: false,
      error: { code: "stuck", message: "!" },
    });
    expect((await waiting).data).toMatchObject({
      status: "failed",
      result: { ok: false, error: { code: "stuck" } },
    });
  });

  test("shows itself to who may see it: one by one, and in a list", async () => {
    await using fleet = await Fleet.start(target);
    await fleet.api("POST", "/v1/devices", {
      body: '{"id":"till-1","name":"Door","meta":{"sn":9007199254740993}}',
    });
    for (const id of ["till-2", "till-3", "till-4"]) await fleet.addDevice(id);
    await fleet.api("PUT", BINDING);
    const token = signToken({ sub: "anna", devices: ["till-3", "till-2", "not-added"] });
    using raw = await rawClient(fleet, token);
    raw.send('{"id":90,"rpc":{"method":"device.get","data":{"device":"till-1"}}}');
    const found = await raw.line(({ id }) => id === 90, "the reply");
    expect(found).toContain('"id":"till-1","name":"Door","meta":{"sn":9007199254740993}');
    expect(JSON.parse(found).rpc.data).toMatchObject({ online: false, state: { reported: {} } });
    expect(found).not.toContain("address");
    const page = await rpc(raw, "device.list", { limit: 3 });
    const idsOf = (reply: RpcReply) =>
      (reply.rpc?.data["devices"] as { id: string }[] | undefined)?.map(({ id }) => id);
    expect([idsOf(page), page.rpc?.data["next"]]).toEqual([["till-1", "till-2"], "till-2"]);
    const rest = await rpc(raw, "device.list", { limit: 3, after: "till-2" });
    expect([idsOf(rest), rest.rpc?.data["next"]]).toEqual([["till-3"], undefined]);
    for (const method of ["device.get", "command.get"]) {
      const denied = await rpc(raw, method, {
        device: "till-4",
        ...(method[0] === "c" && { id: "x" }),
      });
      expect(denied.error?.code).toBe(103);
    }
  });
});

describe.each(TARGETS)("a token's commands at $name", (target) => {
  test("may be sent to the devices it names, by their types, and by nobody else", async () => {
    await using fleet = await Fleet.start(target);
    await fleet.addDevice("till-1");
    const till = await fleet.addDevice("till-2");
    const commands = { "till-2": ["lamp.{on,off}"] };
    using raw = await rawClient(fleet, signToken({ sub: "carl", commands }));
    const send = (device: string, type: string) => rpc(raw, "command.send", { device, type });
    expect((await send("till-2", "lamp.on")).rpc?.data).toMatchObject({ status: "queued" });
    expect((await send("till-2", "lamp.dim")).error?.code).toBe(103);
    expect((await send("till-1", "lamp.on")).error?.code).toBe(103);
    // May send is not may see, but what it sent itself it may ask for.
    const { commands: sent } = await till.poll("wait=0");
    const asked = { device: "till-2", id: sent[0]?.id };
    expect((await rpc(raw, "command.get", asked)).rpc?.data).toMatchObject({ status: "leased" });
    const other = await fleet.sendOk(till, { type: "secret" });
    const unseen = await rpc(raw, "command.get", { device: "till-2", id: other });
    expect(unseen.error?.code).toBe(103);
    expect((await rpc(raw, "device.get", { device: "till-2" })).error?.code).toBe(103);
    const listed = await fleet.api("GET", "/v1/devices/till-2/commands");
    expect(listed.body["commands"]).toHaveLength(2);
  });

  test("make one command of one key for each user, never one of two users'", async () => {
    await using fleet = await Fleet.start(target);
    await fleet.addDevice("till-1");
    const commands = { "till-1": ["*"] };
    using anna = await rawClient(fleet, signToken({ sub: "anna", commands }));
    using bert = await rawClient(fleet, signToken({ sub: "bert", commands }));
    const send = async (client: FrameSocket, data: unknown) =>
      rpc(client, "command.send", { ...RING, key: "k-1", data });
    const firstId = (await send(anna, 1)).rpc?.data["id"];
    expect((await send(anna, 1)).rpc?.data["id"]).toBe(firstId);
    expect((await send(anna, 2)).error?.code).toBe(409);
    const ofBert = (await send(bert, 2)).rpc?.data ?? {};
    expect(ofBert["id"]).not.toBe(firstId);
  });
});
