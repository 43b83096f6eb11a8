import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Fleet } from "../support/fleet.ts";
import type { GuidedDevice } from "../support/guided-device.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const CONFIG = { devices: { online_ttl: "6s", offline_grace: "1s" } };

describe.each(TARGETS)("a terminal that holds a stream at $name", (target) => {
  test("is last seen just now, and not gone when it comes back soon after the server was killed", async () => {
    await using fleet = await Fleet.start(target, CONFIG);
    const till = await fleet.addDevice("till-1");
    const clockwork = await fleet.addDevice("clockwork");
    const seen = async () => (await fleet.api("GET", "/v1/devices/till-1")).body;
    using before = await till.stream();
    expect(before.status).toBe(200);
    // Longer than what the opening of the stream says of it.
    await passed(fleet, clockwork, 8);
    const held = await seen();
    expect(held).toMatchObject({ online: true });
    expect(Number(held["server_time"]) - Number(held["last_seen_at"])).toBeLessThan(1_000);

    await fleet.killAndRestart();
    await passed(fleet, clockwork, 2);
    using after = await till.stream();
    expect(after.status).toBe(200);
    await passed(fleet, clockwork, 6);
    const back = await seen();
    expect(back).toMatchObject({ online: true, online_changed_at: held["online_changed_at"] });
  });
});

describe.each(TARGETS)("a command at $name with a bound on its deliveries", (target) => {
  test("fails when none of them was acknowledged, and its sender is told so", async () => {
    await using fleet = await Fleet.start(target, { devices: { command_lease: "1s" } });
    const till = await fleet.addDevice("till-1");
    const sending = fleet.send(till, { type: "crash", max_attempts: 2, wait: 30 });
    const { id } = await till.next();
    expect(await till.next()).toMatchObject({ id, attempt: 2 });
    const answer = await sending;
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      ...{ status: "failed", attempt: 2, max_attempts: 2 },
      result: { ok: false, error: { code: "attempts_exhausted" } },
    });
    expect((await till.poll("wait=0")).status).toBe(204);
  });
});

/** Lets so much time pass by the server's own clock: a command that nobody fetches expires. */
async function passed(fleet: Fleet, device: GuidedDevice, seconds: number): Promise<void> {
  const { body } = await fleet.send(device, { type: "tick", ttl: seconds, wait: 30 });
  expect(body).toMatchObject({ status: "expired" });
}
