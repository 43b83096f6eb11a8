import { describe, expect, test } from "bun:test";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { registryWorld } from "../../support/registry-world.ts";

const ID = parseDeviceId("42");
const PUSH = "/v1/devices/42/push";

async function world() {
  const it = registryWorld();
  return { ...it, ...(await it.addDevice(ID)) };
}

describe("/v1/devices/{id}/push", () => {
  test("PUT remembers by what the device can be woken, and has it woken where commands wait", async () => {
    const { asDevice, asBackend, records, told, clock } = await world();
    const target = { provider: "jpush", token: "18071adc030dcba91c0" };
    const { status, headers } = await asDevice(`PUT ${PUSH}`, target);
    expect([status, headers.get("server-time")]).toEqual([204, String(clock.nowMs())]);
    expect(records.kept.get(ID)?.push).toEqual(target);
    expect(told).toEqual(["posted 42", "grew 42"]);
    const { text, json } = await asBackend("GET /v1/devices/42");
    expect(json.push_provider).toBe("jpush");
    expect(text).not.toContain(target.token);
  });

  test("DELETE forgets it, twice as well as once", async () => {
    const { asDevice, records } = await world();
    await asDevice(`PUT ${PUSH}`, { provider: "own", token: "t" });
    for (const _ of [1, 2]) {
      expect((await asDevice(`DELETE ${PUSH}`)).status).toBe(204);
      expect(records.kept.get(ID)).not.toHaveProperty("push");
    }
  });

  test.each([
    [{ provider: "apns", token: "t" }, 'provider is "apns", wanted one of "jpush", "own"'],
    [{ provider: "jpush" }, "token: "],
    [{ provider: "jpush", token: "" }, "token: "],
    [
      { provider: "jpush", token: "a\nb" },
      "token: got a string of 3 characters, wanted no control characters",
    ],
    [{ provider: "jpush", token: "t".repeat(LIMITS.pushTokenMaxChars + 1) }, "token: "],
    [{ provider: "jpush", token: "t", tags: [] }, '"tags"'],
  ])("PUT refuses %.60j", async (body, detail) => {
    const { asDevice, records, told } = await world();
    const { status, json } = await asDevice(`PUT ${PUSH}`, body);
    expect([status, json.code]).toEqual([400, "push_invalid"]);
    expect(json.detail).toContain(detail);
    expect(records.kept.get(ID)).not.toHaveProperty("push");
    expect(told).toEqual(["posted 42"]);
  });

  test("is nobody else's to change, not even the backend's", async () => {
    const { ask, asBackend, addDevice, records } = await world();
    const { secret } = await addDevice("43");
    const body = { provider: "own", token: "t" };
    const headers = { authorization: `Bearer ${secret}` };
    expect((await ask(`PUT ${PUSH}`, { headers, body })).json.code).toBe("secret_wrong");
    expect((await ask(`PUT ${PUSH}`, { body })).json.code).toBe("secret_missing");
    expect((await asBackend(`DELETE ${PUSH}`)).json.code).toBe("secret_missing");
    expect(records.kept.get(ID)).not.toHaveProperty("push");
  });
});
