import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Fleet } from "../support/fleet.ts";
import type { GuidedDevice } from "../support/guided-device.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const CONFIG = { devices: { command_lease: "1s" } };

describe.each(TARGETS)("a command at $name when the server is killed", (target) => {
  test("is still there in the state it was in, and says whether it may have been seen", async () => {
    await using fleet = await Fleet.start(target, CONFIG);
    const till = async (id: string) => fleet.addDevice(id);
    const devices = {
      queued: await till("queued"),
      leased: await till("leased"),
      acked: await till("acked"),
      done: await till("done"),
      canceled: await till("canceled"),
    };
    const send = (device: GuidedDevice) =>
      fleet.sendOk(device, { type: "open", data: { for: device.id }, key: "the-one" });
    const ids = {
      queued: await send(devices.queued),
      leased: await send(devices.leased),
      acked: await send(devices.acked),
      done: await send(devices.done),
      canceled: await send(devices.canceled),
    };
    await fleet.api("DELETE", `/v1/devices/canceled/commands/${ids.canceled}`);
    await devices.done.settle((await devices.done.next()).id, { ok: true, data: 1 });
    await devices.acked.ack((await devices.acked.next()).id);
    expect(await devices.leased.next()).toMatchObject({ id: ids.leased, attempt: 1 });

    await fleet.killAndRestart();

    expect(await fleet.command(devices.queued, ids.queued)).toMatchObject({
      status: "queued",
      attempt: 0,
    });
    const leased = await fleet.command(devices.leased, ids.leased);
    expect(leased["status"]).toBeOneOf(["leased", "queued"]);
    expect(leased["attempt"]).toBe(1);
    expect(await fleet.command(devices.acked, ids.acked)).toMatchObject({
      status: "acked",
      attempt: 1,
    });
    expect(await fleet.command(devices.done, ids.done)).toMatchObject({
      status: "done",
      result: { ok: true, data: 1 },
    });
    expect(await fleet.command(devices.canceled, ids.canceled)).toMatchObject({
      status: "canceled",
    });

    // The same key is the same command after the restart too.
    for (const [state, device] of Object.entries(devices)) {
      const again = await fleet.send(device, {
        type: "open",
        data: { for: device.id },
        key: "the-one",
      });
      expect([state, again.body["id"]]).toEqual([state, ids[state as keyof typeof ids]]);
    }
    expect(await devices.queued.next()).toMatchObject({ id: ids.queued, attempt: 1 });
    // The device is told that this is not the first time, so it can know that it did it already.
    expect(await devices.leased.next()).toMatchObject({ id: ids.leased, attempt: 2 });
    for (const device of [devices.acked, devices.done, devices.canceled]) {
      expect((await device.poll("wait=0")).status).toBe(204);
    }
    expect((await devices.acked.settle(ids.acked)).body).toMatchObject({ status: "done" });
  });

  test("takes the result of what was delivered before", async () => {
    await using fleet = await Fleet.start(target, CONFIG);
    const till = await fleet.addDevice("till-1");
    const id = await fleet.sendOk(till, { type: "open" });
    const { cursor } = await till.poll("wait=10");
    await fleet.killAndRestart();
    expect((await till.settle(id)).body).toMatchObject({ id, status: "done" });
    expect((await till.poll(`wait=0&cursor=${cursor}`)).status).toBe(204);
    const other = await fleet.sendOk(till, { type: "close" });
    expect(await till.next()).toMatchObject({ id: other, attempt: 1 });
  });

  test("told every step of its life once to who reads the channel from the start", async () => {
    await using fleet = await Fleet.start(target, CONFIG);
    const till = await fleet.addDevice("till-1");
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.push(await fleet.sendOk(till, { type: "t", data: n }));
    await till.poll("wait=0&max=10");
    await fleet.killAndRestart();
    const seen = new Map<string, number>();
    while (seen.size < 5) {
      const { commands } = await till.poll("wait=10&max=10");
      for (const { id, attempt } of commands) {
        seen.set(id, attempt);
        await till.settle(id);
      }
    }
    expect([...seen.keys()]).toEqual(ids);
    expect(new Set(seen.values())).toEqual(new Set([2]));
    const { body } = await fleet.api("POST", "/api/history", {
      body: { channel: till.channel, limit: 100 },
    });
    const { publications } = body["result"] as {
      publications: { data: { id: string; type: string; data: { command?: string } } }[];
    };
    const told = publications.map(({ data }) => data).filter(({ data }) => data.command);
    expect(new Set(told.map(({ id }) => id)).size).toBe(told.length);
    for (const id of ids) {
      const types = told.filter(({ data }) => data.command === id).map(({ type }) => type);
      expect(types).toEqual([
        "command.queued",
        "command.sent",
        "command.queued",
        "command.sent",
        "command.done",
      ]);
    }
  });
});
