import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { runCliOk } from "../support/cli.ts";
import { Fleet } from "../support/fleet.ts";
import { deliveriesOn, deliveryOn } from "../support/guided-device.ts";
import { eventually, within } from "../support/inbox.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

/** What is open is looked at again every 15 s. */
const RECHECK_MAX_MS = 25_000;

/** As many as one device may have open. */
const OPEN_MAX = 8;

describe.each(TARGETS)("a stream of $name that answers nothing", (target) => {
  test("loses its command to a poll that waits, and holds its device online no longer", async () => {
    const devices = { command_lease: "1s", online_ttl: "1s", offline_grace: "0s" };
    await using fleet = await Fleet.start(target, { devices });
    const till = await fleet.addDevice("till-1");
    const listener = await fleet.listener(till);
    using dead = await till.stream();
    const id = await fleet.sendOk(till, { type: "open" });
    expect(await deliveryOn(dead)).toMatchObject({ id, attempt: 1 });
    expect(await till.next()).toMatchObject({ id, attempt: 2 });
    await dead.end();
    expect(dead.text).toEndWith('event: drain\nretry: 1000\ndata: {"retry_after_ms":1000}\n\n');
    expect(deliveriesOn(dead)).toHaveLength(1);
    await till.settle(id);
    expect(await listener.told("device.offline")).toMatchObject({ data: { generation: 2 } });
  });

  test("gives way to newer ones when there are as many as may be", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    using oldest = await till.stream();
    using socket = await till.socket();
    using rest = new DisposableStack();
    for (let open = 2; open < OPEN_MAX; open += 1) rest.use(await till.stream());
    using ninth = await till.stream();
    await oldest.end();
    expect(oldest.text).toEndWith("event: replaced\ndata: {}\n\n");
    rest.use(await till.stream());
    expect(await socket.end()).toEqual({ code: 4500, reason: "replaced" });
    const id = await fleet.sendOk(till, { type: "open" });
    await eventually(async () => {
      const { status } = await fleet.command(till, id);
      return status === "leased" || undefined;
    }, "the command to be delivered");
    expect(deliveriesOn(ninth)).toEqual([]);
  });
});

describe.each(TARGETS)("what is open at $name by a secret that was replaced", (target) => {
  test("ends at once when the backend did it, and gets no command", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    using stream = await till.stream();
    using socket = await till.socket();
    const polling = till.poll("wait=50");
    await eventually(async () => {
      const { body } = await fleet.api("GET", "/v1/devices/till-1");
      return body["online"] === true || undefined;
    }, "the device to be online");
    const { body } = await fleet.api("POST", "/v1/devices/till-1/secret");
    const id = await fleet.sendOk(till, { type: "open" });
    await stream.end();
    expect((await socket.end()).code).toBe(3503);
    expect(await polling).toMatchObject({ status: 204, commands: [] });
    expect([...deliveriesOn(stream), ...deliveriesOn(socket)]).toEqual([]);
    const renewed = fleet.device("till-1", String(body["secret"]));
    expect(await renewed.next()).toMatchObject({ id, attempt: 1 });
  });

  test("ends after a moment when the command line did it, as when the device was removed", async () => {
    await using fleet = await Fleet.start(target);
    const [till, gate] = [await fleet.addDevice("till-1"), await fleet.addDevice("gate-1")];
    using stream = await till.stream();
    using socket = await gate.socket();
    const { workspace } = fleet.server;
    const rotated = await runCliOk(target, ["device", "rotate", "till-1", "--json"], { workspace });
    await runCliOk(target, ["device", "remove", "gate-1"], { workspace });
    await stream.end(RECHECK_MAX_MS);
    const { code } = await within(socket.closed, "the close of the socket", RECHECK_MAX_MS);
    expect([code, stream.text.includes("event:")]).toEqual([3503, false]);
    const renewed = fleet.device("till-1", JSON.parse(rotated).secret);
    const id = await fleet.sendOk(renewed, { type: "open" });
    expect(await renewed.next()).toMatchObject({ id, attempt: 1 });
    expect((await fleet.api("GET", "/v1/devices/gate-1")).status).toBe(404);
  });

  test("brings nothing to a poll that is held, when the command line did it", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    const polling = till.poll("wait=50");
    await eventually(async () => {
      const { body } = await fleet.api("GET", "/v1/devices/till-1");
      return body["online"] === true || undefined;
    }, "the poll to be held");
    const { workspace } = fleet.server;
    const rotated = await runCliOk(target, ["device", "rotate", "till-1", "--json"], { workspace });
    await eventually(async () => {
      const { status } = await till.ask("GET", "/state");
      return status === 401 || undefined;
    }, "the old secret to be refused");
    const id = await fleet.sendOk(till, { type: "open" });
    expect(await polling).toMatchObject({ status: 204, commands: [] });
    const renewed = fleet.device("till-1", JSON.parse(rotated).secret);
    expect(await renewed.next()).toMatchObject({ id, attempt: 1 });
  });
});
