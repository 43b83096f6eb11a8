import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Fleet } from "../support/fleet.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

describe.each(TARGETS)("a device that is removed and added again, at $name,", (target) => {
  test("loses none of its events to those of the one before, and shows none of those", async () => {
    await using fleet = await Fleet.start(target);
    const before = await fleet.addDevice("till-1");
    const posted = await before.ask("POST", "/events", {
      body: { id: "1", type: "t", data: "old" },
    });
    expect(posted.status).toBe(200);
    await fleet.api("DELETE", "/v1/devices/till-1");
    const after = await fleet.addDevice("till-1");
    const again = await after.ask("POST", "/events", { body: { id: "1", type: "t", data: "new" } });
    expect(again.status).toBe(200);
    expect(again.text).not.toContain("duplicate");
    const { body } = await fleet.api("POST", "/api/history", {
      body: { channel: "device:till-1", limit: 100 },
    });
    const { publications } = body["result"] as {
      publications: { data: { type: string; data: unknown } }[];
    };
    expect(
      publications.filter(({ data }) => data.type === "t").map(({ data }) => data.data),
    ).toEqual(["new"]);
  });

  test("is told of with higher generations than the one before", async () => {
    await using fleet = await Fleet.start(target);
    const before = await fleet.addDevice("till-1");
    const listener = await fleet.listener(before);
    await before.poll("wait=0");
    const first = await listener.told("device.online");
    await fleet.api("DELETE", "/v1/devices/till-1");
    const after = await fleet.addDevice("till-1");
    await after.poll("wait=0");
    const second = await listener.told("device.online", ({ id }) => id !== first.id);
    expect(first.data["generation"]).toBe(1);
    expect(second.data["generation"]).toBe(2);
  });

  test("obeys no command that was sent to nobody", async () => {
    await using fleet = await Fleet.start(target);
    const before = await fleet.addDevice("till-1");
    await fleet.api("DELETE", "/v1/devices/till-1");
    const refused = await fleet.send(before, { type: "open" });
    expect([refused.status, refused.body["code"]]).toEqual([404, "device_unknown"]);
    const after = await fleet.addDevice("till-1");
    expect((await after.poll("wait=0")).status).toBe(204);
    const listed = await fleet.api("GET", "/v1/devices/till-1/commands?before=gone");
    expect([listed.status, listed.body["code"]]).toEqual([404, "command_unknown"]);
  });
});
