import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { Fleet } from "../support/fleet.ts";
import { type Answer, ask } from "../support/guided-device.ts";
import { within } from "../support/inbox.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const FLEET_KEY = "black-box-fleet-key-0123456789";
const OLD_KEY = "black-box-fleet-key-of-last-year";
const CONFIG = { devices: { fleet_keys: [FLEET_KEY, OLD_KEY] } };

describe.each(TARGETS)("a terminal that registers itself at $name", (target) => {
  test("gets a secret of its own, and another one until it has used it", async () => {
    await using fleet = await Fleet.start(target, CONFIG);
    const body = `{"key":"${FLEET_KEY}","device":"till-1","name":"Till","meta":{"sn":9007199254740993}}`;
    const first = await enroll(fleet, body);
    expect([first.status, first.headers.get("cache-control")]).toEqual([201, "no-store"]);
    expect((await fleet.api("GET", "/v1/devices/till-1")).text).toContain(
      '"name":"Till","meta":{"sn":9007199254740993}',
    );
    // The first answer was lost, so the terminal asks again; what it never got is worth nothing.
    const second = await enroll(fleet, { key: OLD_KEY, device: "till-1" });
    expect(second.status).toBe(201);
    expect((await deviceOf(fleet, first).poll("wait=0")).status).toBe(401);
    const till = deviceOf(fleet, second);
    expect((await till.poll("wait=0")).status).toBe(204);

    const third = await enroll(fleet, { key: FLEET_KEY, device: "till-1" });
    expect([third.status, third.body["code"]]).toEqual([409, "device_enrolled"]);
    expect((await till.poll("wait=0")).status).toBe(204);
    await fleet.killAndRestart();
    const later = await enroll(fleet, { key: FLEET_KEY, device: "till-1" });
    expect([later.status, later.body["code"]]).toEqual([409, "device_enrolled"]);
    for (const secret of [FLEET_KEY, OLD_KEY, till.secret]) {
      expect(fleet.server.output).not.toContain(secret);
    }
  });

  test("gets in again by the backend's leave, which ends what is open with the old secret", async () => {
    await using fleet = await Fleet.start(target, CONFIG);
    const till = await fleet.addDevice("till-1");
    const request = { key: FLEET_KEY, device: "till-1" };
    expect((await enroll(fleet, request)).status).toBe(409);
    using stream = await till.stream();
    await fleet.api("PATCH", "/v1/devices/till-1", { body: { enroll: true } });
    const leave = await fleet.api("GET", "/v1/devices/till-1");
    expect(leave.body).toMatchObject({ enrollment: "open" });
    // Until it does, the old secret is good.
    expect((await till.poll("wait=0")).status).toBe(204);
    const again = await enroll(fleet, request);
    expect(again.status).toBe(201);
    await within(stream.end(), "the end of the stream");
    expect((await till.poll("wait=0")).status).toBe(401);
    expect((await deviceOf(fleet, again).poll("wait=0")).status).toBe(204);
    expect((await enroll(fleet, request)).status).toBe(409);
  });

  test("may show the key as a bearer, and is refused without one or with a wrong one", async () => {
    await using fleet = await Fleet.start(target, CONFIG);
    const url = `${fleet.server.url}/v1/enroll`;
    const device = '{"device":"till-1"}';
    const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
    const asked = [
      await ask(url, { method: "POST", body: device }),
      await ask(url, { method: "POST", body: device, headers: bearer("wrong-key-0123456789") }),
      await enroll(fleet, { key: `${FLEET_KEY}x`, device: "till-1" }),
      await enroll(fleet, { key: FLEET_KEY, device: "not an id" }),
      await enroll(fleet, { key: FLEET_KEY, device: "till-1", secret: "mine" }),
    ];
    expect(asked.map(({ status, body }) => [status, body["code"]])).toEqual([
      [401, "fleet_key_wrong"],
      [401, "fleet_key_wrong"],
      [401, "fleet_key_wrong"],
      [400, "device_malformed"],
      [400, "device_invalid"],
    ]);
    expect((await fleet.api("GET", "/v1/devices/till-1")).status).toBe(404);
    const letIn = await ask(url, { method: "POST", body: device, headers: bearer(FLEET_KEY) });
    expect(letIn.status).toBe(201);
  });

  test("is told that this server enrolls nobody where it has no fleet key", async () => {
    await using fleet = await Fleet.start(target);
    const answer = await enroll(fleet, { key: FLEET_KEY, device: "till-1" });
    expect([answer.status, answer.body["code"]]).toEqual([403, "enrollment_unavailable"]);
    expect(answer.text).toContain("fleet_keys");
  });
});

function enroll(fleet: Fleet, body: object | string): Promise<Answer> {
  return ask(`${fleet.server.url}/v1/enroll`, { method: "POST", body });
}

function deviceOf(fleet: Fleet, { body }: Answer) {
  return fleet.device(String(body["id"]), String(body["secret"]));
}
