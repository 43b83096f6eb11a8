import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/core/limits.ts";
import { FLEET_KEY, registryWorld } from "../../support/registry-world.ts";

const NOW = Date.UTC(2026, 0, 1);
const ENROLL = "POST /v1/enroll";

describe("POST /v1/enroll", () => {
  test("gives an unknown device a secret of its own", async () => {
    const { ask, asBackend } = registryWorld();
    const body = `{"key":"${FLEET_KEY}","device":"42","name":"kiosk","meta":{"fw":1.10}}`;
    const { status, headers, json } = await ask(ENROLL, { body });
    expect([status, headers.get("cache-control")]).toEqual([201, "no-store"]);
    expect(json).toEqual({
      id: "42",
      secret: expect.stringMatching(/^phd_[\w-]{32}$/),
      server_time: NOW,
    });
    const { text } = await asBackend("GET /v1/devices/42");
    expect(text).toContain('"name":"kiosk","meta":{"fw":1.10},"enrollment":"fresh"');
  });

  test("takes the key as a bearer credential, too", async () => {
    const { ask } = registryWorld();
    const headers = { authorization: `Bearer ${FLEET_KEY}` };
    expect((await ask(ENROLL, { headers, body: { device: "42" } })).status).toBe(201);
  });

  test("can be repeated until the secret is used, and then needs the backend's leave", async () => {
    const { ask, asBackend, told } = registryWorld();
    const enroll = () => ask(ENROLL, { body: { key: FLEET_KEY, device: "42" } });
    const use = ({ json }: { json: { secret: string } }) =>
      ask("GET /v1/devices/42/state", { headers: { authorization: `Bearer ${json.secret}` } });
    const lost = await enroll();
    const arrived = await enroll();
    expect([(await use(lost)).status, (await use(arrived)).status]).toEqual([401, 200]);
    const refused = await enroll();
    expect([refused.status, refused.json.code]).toEqual([409, "device_enrolled"]);
    expect((await use(arrived)).status).toBe(200);

    await asBackend("PATCH /v1/devices/42", { enroll: true });
    const anew = await enroll();
    expect([anew.status, (await use(arrived)).status]).toEqual([201, 401]);
    expect(told.filter((it) => it === "dismissed 42")).toHaveLength(3);
    // What the old secret left behind does not count as a use of the new one.
    const again = await enroll();
    expect([again.status, (await use(again)).status]).toEqual([201, 200]);
    expect((await enroll()).status).toBe(409);
  });

  test("leaves a device alone that the backend added", async () => {
    const { ask, addDevice, records } = registryWorld();
    const { asDevice } = await addDevice("42");
    const before = JSON.stringify([...records.kept]);
    const { json } = await ask(ENROLL, { body: { key: FLEET_KEY, device: "42", name: "forged" } });
    expect(json.code).toBe("device_enrolled");
    expect(JSON.stringify([...records.kept])).toBe(before);
    expect((await asDevice("GET /v1/devices/42/state")).status).toBe(200);
  });

  test.each([
    ["none", { device: "42" }],
    ["a wrong one", { device: "42", key: `${FLEET_KEY}x` }],
    ["an empty one", { device: "42", key: "" }],
  ])("refuses %s as the key with 401, and makes nothing", async (_, body) => {
    const { ask, records, log } = registryWorld();
    const { status, headers, json } = await ask(ENROLL, { body });
    expect([status, json.code]).toEqual([401, "fleet_key_wrong"]);
    expect(headers.get("www-authenticate")).toContain("Bearer");
    expect(records.kept.size).toBe(0);
    expect(JSON.stringify(log.lines)).not.toContain(FLEET_KEY);
  });

  test.each([
    [{ key: FLEET_KEY }, 400, "device_invalid", "device: "],
    [{ key: FLEET_KEY, device: "a b" }, 400, "device_malformed", "got"],
    [{ key: FLEET_KEY, device: "42", secret: "x" }, 400, "device_invalid", '"secret"'],
    ["", 400, "body_malformed", "it is empty"],
    [{ key: FLEET_KEY, device: "42", name: "a\nb" }, 400, "device_name_malformed", "on one line"],
    ["x".repeat(LIMITS.enrollBodyMaxBytes + 1), 413, "body_too_large", "16384"],
  ])("refuses %.60j with %d %s", async (...[body, status, code, detail]) => {
    const { ask, records } = registryWorld();
    const answer = await ask(ENROLL, { body });
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(answer.json.detail).toContain(detail);
    expect(records.kept.size).toBe(0);
  });

  test("says which setting lets it work where there is no fleet key", async () => {
    const { ask } = registryWorld({ fleetKeys: [] });
    const { status, json } = await ask(ENROLL, { body: { key: "", device: "42" } });
    expect([status, json.code]).toEqual([403, "enrollment_unavailable"]);
    expect(json.detail).toContain("devices.fleet_keys");
  });

  test("tells an address that brings many wrong keys to wait, and nobody else", async () => {
    const { ask, log, clock } = registryWorld();
    const tried = (from: string, key = "wrong") =>
      ask(ENROLL, { from, body: { device: "42", key } });
    const statuses: number[] = [];
    for (let count = 0; count <= LIMITS.enrollFailuresBurst; count += 1) {
      statuses.push((await tried(`2001:db8::${count}`)).status);
    }
    expect(statuses.slice(0, -1).every((status) => status === 401)).toBe(true);
    const last = await tried("2001:db8::ffff");
    expect([statuses.at(-1), last.status, last.json.code]).toEqual([
      429,
      429,
      "enrollment_rate_exceeded",
    ]);
    expect(last.headers.get("retry-after")).not.toBeNull();
    expect(log.of("device.refused")).toHaveLength(LIMITS.enrollFailuresBurst);
    expect((await tried("2001:db8:0:1::1")).status).toBe(401);
    expect((await tried("2001:db8::1", FLEET_KEY)).status).toBe(201);
    clock.advance(1000 / LIMITS.enrollFailuresPerSecond);
    expect((await tried("2001:db8::1")).status).toBe(401);
  });

  test("logs who enrolled from where, without key or secret", async () => {
    const { ask, log } = registryWorld();
    const { json } = await ask(ENROLL, { body: { key: FLEET_KEY, device: "42" } });
    expect(log.of("device.enrolled")).toEqual([{ device: "42", address: "192.0.2.7" }]);
    expect(JSON.stringify(log.lines)).not.toContain(json.secret);
    expect(JSON.stringify(log.lines)).not.toContain(FLEET_KEY);
  });
});
