import { describe, expect, test } from "bun:test";
import { FLEET_KEY, registryWorld } from "../../support/registry-world.ts";

const STATE = "GET /v1/devices/42/state";
const ENROLL = "POST /v1/enroll";

describe("where devices have to show a certificate", () => {
  test("one that has shown none is refused, with its secret and before anything is told of it", async () => {
    const { ask, addDevice, told } = registryWorld({ certificateRequired: true });
    const { secret } = await addDevice("42");
    const headers = { authorization: `Bearer ${secret}` };
    const refused = await ask(STATE, { headers });
    expect([refused.status, refused.json.code]).toEqual([403, "certificate_required"]);
    expect(told).toEqual([]);
    expect((await ask(STATE, { headers, isCertified: true })).status).toBe(200);
  });

  test("none can enroll that has shown none", async () => {
    const { ask } = registryWorld({ certificateRequired: true });
    const body = { key: FLEET_KEY, device: "42" };
    const refused = await ask(ENROLL, { body });
    expect([refused.status, refused.json.code]).toEqual([403, "certificate_required"]);
    expect((await ask(ENROLL, { body, isCertified: true })).status).toBe(201);
  });

  test("the backend needs none", async () => {
    const { asBackend } = registryWorld({ certificateRequired: true });
    expect((await asBackend("GET /v1/devices")).status).toBe(200);
  });
});

test("a certificate is no credential", async () => {
  const { ask } = registryWorld();
  expect((await ask(STATE, { isCertified: true })).status).toBe(401);
});
