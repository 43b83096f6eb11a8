import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Fleet } from "../support/fleet.ts";
import { deliveriesOn, deliveryOn, type GuidedDevice } from "../support/guided-device.ts";
import { eventually, within } from "../support/inbox.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import type { Delivery } from "../support/terminal.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const SHORT_LEASE = { devices: { command_lease: "1s" } };

describe.each(TARGETS)("a device of $name that receives in several ways at once", (target) => {
  test("gets a command by one of them, and the next by one that is free", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    using stream = await till.stream();
    using socket = await till.socket();
    const polling = till.poll("wait=30&max=1");
    const ids = new Set<string>();
    for (const type of ["a", "b", "c"]) {
      const id = await fleet.sendOk(till, { type });
      ids.add(id);
      await eventually(async () => {
        const { status } = await fleet.command(till, id);
        return status === "leased" || undefined;
      }, `command ${type} to be delivered`);
    }
    // None of them has acknowledged what it has, so what comes now has to wait.
    const waiting = await fleet.sendOk(till, { type: "d" });
    const [polled] = (await polling).commands;
    const streamed = await deliveryOn(stream);
    const socketed = await deliveryOn(socket);
    expect(new Set([polled?.id, streamed.id, socketed.id])).toEqual(ids);
    expect(await fleet.command(till, waiting)).toMatchObject({ status: "queued", attempt: 0 });

    socket.send(JSON.stringify({ ref: 7, result: { command: socketed.id, ok: true } }));
    await socket.lines.find((line) => line === '{"ref":7,"ok":true}', { what: "the reply" });
    expect(await deliveryOn(socket, ({ id }) => id === waiting)).toMatchObject({ attempt: 1 });
    expect(deliveriesOn(stream)).toHaveLength(1);
    expect(deliveriesOn(socket)).toHaveLength(2);
  });

  test("gets each of many commands once, whoever takes them", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    const listener = await fleet.listener(till);
    const taken: Delivery[] = [];
    using stream = await till.stream();
    using socket = await till.socket();
    stream.lines.each((line) => {
      if (!line.startsWith('{"id"')) return;
      const delivery = JSON.parse(line);
      taken.push(delivery);
      void till.settle(delivery.id);
    });
    socket.lines.each((line) => {
      const { command } = JSON.parse(line);
      if (command === undefined) return;
      taken.push(command);
      socket.send(JSON.stringify({ ref: taken.length, result: { command: command.id, ok: true } }));
    });
    const stop = new AbortController();
    const polling = keepPolling(till, taken, stop.signal);
    const ids = await Promise.all(
      Array.from({ length: 60 }, (_, n) => fleet.sendOk(till, { type: "t", data: n })),
    );
    const ends = () => listener.events.filter(({ type }) => type === "command.done");
    await eventually(() => ends().length >= 60 || undefined, "the ends of all commands");
    stop.abort();
    await polling;
    expect(taken.map(({ id }) => id).sort()).toEqual([...ids].sort());
    expect(taken.every(({ attempt }) => attempt === 1)).toBe(true);
  });

  test("is sent away by all of them when the server drains, with the time to come back", async () => {
    await using fleet = await Fleet.start(target);
    const [till, poller] = [await fleet.addDevice("till-1"), await fleet.addDevice("till-2")];
    using stream = await till.stream();
    using socket = await till.socket();
    const polling = poller.poll("wait=50");
    await eventually(async () => {
      const { body } = await fleet.api("GET", "/v1/devices/till-2");
      return body["online"] === true || undefined;
    }, "the poll to be held");
    fleet.server.terminate();
    const polled = await polling;
    expect(polled.status).toBe(204);
    expect(Number(polled.headers.get("retry-after"))).toBeWithin(1, 12);
    await within(stream.end(), "the end of the stream");
    expect(stream.text).toMatch(/event: drain\nretry: \d+\ndata: \{"retry_after_ms":\d+\}\n\n$/);
    const { code, reason } = await socket.end();
    expect(code).toBe(4002);
    expect(JSON.parse(reason)).toMatchObject({ reason: "draining" });
    expect(await fleet.server.exited()).toBe(0);
  });
});

describe.each(TARGETS)("a command at $name that is delivered and not acknowledged", (target) => {
  test("comes again to a poll that waits, with the next attempt, and everybody is told", async () => {
    await using fleet = await Fleet.start(target, SHORT_LEASE);
    const till = await fleet.addDevice("till-1");
    const listener = await fleet.listener(till);
    const id = await fleet.sendOk(till, { type: "open" });
    expect(await till.next()).toMatchObject({ id, attempt: 1 });
    expect(await till.next()).toMatchObject({ id, attempt: 2 });
    await till.settle(id);
    await listener.told("command.done");
    const told = listener.events.map(({ type, data }) => [type, data["attempt"]]);
    expect(told.filter(([type]) => String(type).startsWith("command."))).toEqual([
      ["command.queued", 0],
      ["command.sent", 1],
      ["command.queued", 1],
      ["command.sent", 2],
      ["command.done", 2],
    ]);
  });

  test("ends a stream and a websocket that left it unanswered, and comes again on the next ones", async () => {
    await using fleet = await Fleet.start(target, SHORT_LEASE);
    const [streaming, socketed] = [await fleet.addDevice("s"), await fleet.addDevice("w")];
    using silent = await streaming.stream();
    using mute = await socketed.socket();
    const onStream = await fleet.sendOk(streaming, { type: "open" });
    const onSocket = await fleet.sendOk(socketed, { type: "open" });
    expect(await deliveryOn(silent)).toMatchObject({ id: onStream, attempt: 1 });
    expect(await deliveryOn(mute)).toMatchObject({ id: onSocket, attempt: 1 });
    expect(silent.text).toContain(`event: command\nid: ${onStream}\ndata: {"id":"${onStream}"`);
    await silent.end();
    expect(await mute.end()).toMatchObject({ code: 3012 });

    using stream = await streaming.stream();
    using socket = await socketed.socket();
    expect(await deliveryOn(stream)).toMatchObject({ id: onStream, attempt: 2 });
    expect(await deliveryOn(socket)).toMatchObject({ id: onSocket, attempt: 2 });
    socket.send(JSON.stringify({ ref: 1, ack: onSocket }));
    await socket.lines.find((line) => line === '{"ref":1,"ok":true}', { what: "the reply" });
    expect((await streaming.ack(onStream)).status).toBe(200);
    expect(await fleet.command(streaming, onStream)).toMatchObject({ status: "acked" });
    expect(await fleet.command(socketed, onSocket)).toMatchObject({ status: "acked" });
  });

  test("goes to another receiver of the device when the first one is cut", async () => {
    await using fleet = await Fleet.start(target, SHORT_LEASE);
    const till = await fleet.addDevice("till-1");
    const id = await fleet.sendOk(till, { type: "open" });
    {
      using socket = await till.socket();
      expect(await deliveryOn(socket)).toMatchObject({ id, attempt: 1 });
    }
    using stream = await till.stream();
    expect(await deliveryOn(stream)).toMatchObject({ id, attempt: 2 });
  });

  test("believes the device that says late what it did", async () => {
    await using fleet = await Fleet.start(target, SHORT_LEASE);
    const till = await fleet.addDevice("till-1");
    const listener = await fleet.listener(till);
    const id = await fleet.sendOk(till, { type: "open" });
    await till.next();
    await listener.told("command.queued", ({ data }) => data["attempt"] === 1);
    expect((await till.settle(id)).body).toMatchObject({ status: "done" });
    expect((await till.settle(id)).status).toBe(200);
    const other = await till.settle(id, { ok: true, data: "something else" });
    expect([other.status, other.body["code"]]).toEqual([409, "command_settled"]);
    expect((await till.poll("wait=0")).status).toBe(204);
  });
});

describe.each(TARGETS)("a poll at $name whose device hangs up", (target) => {
  test("leaves nothing behind: no lease, and a device that is offline", async () => {
    const devices = { online_ttl: "1s", offline_grace: "0s" };
    await using fleet = await Fleet.start(target, { devices });
    const till = await fleet.addDevice("till-1");
    const listener = await fleet.listener(till);
    for (let round = 1; round <= 12; round += 1) {
      const line = new AbortController();
      const polling = till.poll("wait=30", line.signal).catch(() => "cut" as const);
      const isOnline = ({ data }: { data: Readonly<Record<string, unknown>> }) =>
        data["generation"] === 2 * round - 1;
      await listener.told("device.online", isOnline);
      line.abort();
      expect(await polling).toBe("cut");
      await listener.told("device.offline", ({ data }) => data["generation"] === 2 * round);
    }
    const id = await fleet.sendOk(till, { type: "open" });
    expect(await fleet.command(till, id)).toMatchObject({ status: "queued", attempt: 0 });
    // More polls were cut than one device may hold at a time, so none of them is held any more.
    expect(await till.next()).toMatchObject({ id, attempt: 1 });
  });
});

/** Takes and settles what polls bring until it is told to stop. */
async function keepPolling(
  device: GuidedDevice,
  taken: Delivery[],
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const { commands } = await device.poll("wait=1&max=5");
    taken.push(...commands);
    await Promise.all(commands.map(({ id }) => device.settle(id)));
  }
}
