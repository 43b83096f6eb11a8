import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { CommandError, DeviceEvent, Problem } from "../../src/sdk/posthorn.d.ts";
import { App, builtSdk } from "../support/fake-wx/app.ts";
import { Fleet } from "../support/fleet.ts";
import { FrameSocket } from "../support/frame-socket.ts";
import { eventually, Inbox } from "../support/inbox.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const { miniprogram } = await builtSdk();

const BINDING = "/v1/users/anna/devices/42";

/** An app whose backend asks for a ticket for anna with these grants, each time anew. */
function appWith(fleet: Fleet, grants: object = {}): App {
  const getTicket = async () => {
    const { body } = await fleet.api("POST", "/v1/tickets", { body: { user: "anna", ...grants } });
    return String(body["ticket"]);
  };
  return new App(miniprogram, { url: fleet.server.wsUrl, getTicket });
}

describe.each(TARGETS)("a mini-program and its device at $name", (target) => {
  test("gets the answer of a device that it may command and not hear", async () => {
    await using fleet = await Fleet.start(target);
    const device = await fleet.addDevice("42");
    using app = appWith(fleet, { commands: { "42": ["open"] } });
    await app.next("connected");
    const door = app.posthorn.device("42");
    const answer = door.command("open", { seconds: 5 });
    const { id } = await device.next();
    // By now the app waits at the server, or is on its way there.
    await device.settle(id, '{"ok":true,"data":{"opened":true}}');
    expect(await answer).toEqual({ opened: true });
    const failing = door.command("open").catch(({ code }: CommandError) => code);
    await device.settle((await device.next()).id, {
      ok: false,
      error: { code: "jammed", message: "It is jammed" },
    });
    expect(await failing).toBe("jammed");
    expect(app.phone.errors).toEqual([]);
  });

  test.each([
    ["hears", { devices: ["42"], commands: { "42": ["open"] } }],
    ["does not hear", { commands: { "42": ["open"] } }],
  ])(
    "gets an answer that came while it was hidden beyond its timeout, of a device it %s",
    async (_, grants) => {
      await using fleet = await Fleet.start(target);
      const device = await fleet.addDevice("42");
      using app = appWith(fleet, grants);
      await app.next("connected");
      const answer = app.posthorn.device("42").command("open", null, { timeout: 30_000 });
      const { id } = await device.next();
      app.phone.hide();
      app.phone.clock.advance(45_000);
      await device.settle(id, '{"ok":true,"data":{"opened":true}}');
      app.phone.show();
      expect(await answer).toEqual({ opened: true });
    },
  );

  test("gives up what the device has not answered when the app is shown again", async () => {
    await using fleet = await Fleet.start(target);
    const device = await fleet.addDevice("42");
    using app = appWith(fleet, { devices: ["42"], commands: { "42": ["open"] } });
    await app.next("connected");
    const answer = app.posthorn.device("42").command("open", null, { timeout: 30_000, ttl: 600 });
    await device.next();
    app.phone.hide();
    app.phone.clock.advance(45_000);
    app.phone.show();
    expect(await answer.catch(({ code }: CommandError) => code)).toBe("timeout");
  });

  /** A command whose frame the network has swallowed, in an app that is hidden until its time is over. */
  async function swallowed(app: App) {
    await app.next("connected");
    const [task] = app.phone.tasks;
    task?.goSilent();
    const answer = app.posthorn.device("42").command("open", { slot: 4 }, { ttl: 600 });
    const ended = answer.catch(({ code }: CommandError) => code);
    const frame = await eventually(
      () => task?.sent.find((text) => text.includes("command.send")),
      "that the phone took the frame",
    );
    app.phone.hide();
    app.phone.clock.advance(45_000);
    return { ended, frame };
  }

  test("never sends a command when its time is over", async () => {
    await using fleet = await Fleet.start(target);
    const device = await fleet.addDevice("42");
    using app = appWith(fleet, { commands: { "42": ["open"] } });
    const { ended } = await swallowed(app);
    app.phone.show();
    expect(await ended).toBe("timeout");
    expect((await device.poll("wait=0")).status).toBe(204);
  });

  test("finds a command by its key when no answer to it ever came", async () => {
    await using fleet = await Fleet.start(target);
    const device = await fleet.addDevice("42");
    const commands = { "42": ["open"] };
    using app = appWith(fleet, { commands });
    const { ended, frame } = await swallowed(app);
    // What the network brought after all.
    using late = await FrameSocket.open(`${fleet.server.wsUrl}/connection/websocket`);
    await late.command({ connect: { token: signToken({ sub: "anna", commands }) } });
    await late.command({ rpc: JSON.parse(frame).rpc });
    await device.settle((await device.next()).id, '{"ok":true,"data":{"opened":true}}');
    app.phone.show();
    expect(await ended).toEqual({ opened: true });
  });

  test("is told when a device is taken from its user, and hears it when it is given back", async () => {
    await using fleet = await Fleet.start(target);
    const device = await fleet.addDevice("42");
    await fleet.api("PUT", BINDING);
    using app = appWith(fleet);
    const door = app.posthorn.device("42");
    const events = new Inbox<DeviceEvent>();
    const problems = new Inbox<Problem>();
    door.on("event", (event) => events.push(event));
    door.on("problem", (problem) => problems.push(problem));
    door.on("online", () => undefined);
    const post = async (data: number) => {
      await device.ask("POST", "/events", { body: { type: "reading", data } });
    };
    const arrival = (data: number) =>
      events.find((event) => event.data === data, { what: `event ${data}` });
    const isKnown = () => (door.online && door.state) || undefined;
    await eventually(() => door.state, "the first subscription");
    await post(1);
    await arrival(1);

    // The first time it loses a subscription of its own, then one that the server gave it.
    for (const round of [1, 2]) {
      await eventually(isKnown, "that the device is online, and its state");
      await fleet.api("DELETE", BINDING);
      const problem = await eventually(() => problems.items[round - 1], `problem ${round}`);
      expect(problem.cause).toBe("channel_denied");
      expect([door.online, door.state]).toEqual([undefined, undefined]);
      await fleet.api("PUT", BINDING);
      await eventually(isKnown, "that the device is online, and its state");
      await post(10 * round);
      await arrival(10 * round);
    }
    expect(problems.items).toHaveLength(2);

    app.phone.hide();
    app.phone.clock.advance(60_000);
    await post(30);
    app.phone.show();
    await arrival(30);
    expect(events.items.map(({ data }) => data)).toEqual([1, 10, 20, 30]);
    expect(problems.items).toHaveLength(2);
  });

  test("hears a device that was given to its user while nobody could tell", async () => {
    await using fleet = await Fleet.start(target);
    const device = await fleet.addDevice("42");
    using app = appWith(fleet);
    const door = app.posthorn.device("42");
    const events = new Inbox<DeviceEvent>();
    const problems = new Inbox<Problem>();
    door.on("event", (event) => events.push(event));
    door.on("problem", (problem) => problems.push(problem));
    await problems.find(() => true, { what: "the refusal" });
    app.phone.hide();
    app.phone.clock.advance(60_000);
    await fleet.api("PUT", BINDING);
    app.phone.show();
    await eventually(() => door.state, "the subscription");
    await device.ask("POST", "/events", { body: { type: "reading", data: 1 } });
    await events.find(({ data }) => data === 1, { what: "the event" });
    expect(problems.items).toHaveLength(1);
  });
});
