import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/core/limits.ts";
import { API_KEY, registryWorld } from "../../support/registry-world.ts";

const NOW = Date.UTC(2026, 0, 1);
const STATE = "/v1/devices/42/state";

async function world(options: Parameters<typeof registryWorld>[0] = {}) {
  const it = registryWorld(options);
  return { ...it, ...(await it.addDevice("42")) };
}

describe("/v1/devices/{id}/state", () => {
  test("is empty until somebody says something", async () => {
    const { asDevice, asBackend } = await world();
    const empty = {
      device: "42",
      reported: {},
      desired: {},
      reported_version: 0,
      desired_version: 0,
      server_time: NOW,
    };
    expect((await asDevice(`GET ${STATE}`)).json).toEqual(empty);
    const { json, headers } = await asBackend(`GET ${STATE}`);
    expect([json, headers.get("etag")]).toEqual([empty, '"0"']);
  });

  test("PATCH by the device changes what it reported, and shows what it still has to follow", async () => {
    const { asDevice, asBackend, told } = await world();
    await asBackend(`PATCH ${STATE}`, '{"volume":7,"at":1.50}');
    const patched = await asDevice(`PATCH ${STATE}`, '{"volume":7,"id":90071992547409931}');
    expect(patched.status).toBe(200);
    expect(patched.text).toBe(
      `{"device":"42","reported":{"volume":7,"id":90071992547409931},"desired":{"volume":7,"at":1.50},` +
        `"reported_version":1,"desired_version":1,"delta":{"at":1.50},"server_time":${NOW}}`,
    );
    expect(told).toEqual(["desired 42", "posted 42"]);
  });

  test("PATCH by the backend changes what is desired, and says so to who waits for it", async () => {
    const { asBackend, told } = await world();
    const first = await asBackend(`PATCH ${STATE}`, { a: { b: 1, c: 2 } });
    expect([first.status, first.headers.get("etag")]).toEqual([200, '"1"']);
    const second = await asBackend(`PATCH ${STATE}`, { a: { b: null } });
    expect(second.json).toMatchObject({ desired: { a: { c: 2 } }, desired_version: 2 });
    const same = await asBackend(`PATCH ${STATE}`, { a: { c: 2 } });
    expect(same.json.desired_version).toBe(2);
    expect(told).toEqual(["desired 42", "desired 42"]);
  });

  test("If-Match lets a change in only upon the version of the asker's side", async () => {
    const { asDevice, asBackend } = await world();
    await asBackend(`PATCH ${STATE}`, { a: 1 });
    const { headers } = await asDevice(`GET ${STATE}`);
    expect(headers.get("etag")).toBe('"0"');
    const patch = (value: number, match: string) =>
      asDevice(`PATCH ${STATE}`, { value }, { "if-match": match });
    expect((await patch(1, '"0"')).headers.get("etag")).toBe('"1"');
    const late = await patch(2, '"0"');
    expect([late.status, late.json.code]).toEqual([412, "state_conflict"]);
    expect(late.json.detail).toContain("at version 1");
    expect((await patch(2, "1")).status).toBe(200);
    expect((await patch(3, "*")).status).toBe(200);
    expect((await patch(4, 'W/"3"')).status).toBe(200);
    expect((await patch(5, 'W/"3"')).status).toBe(412);
    const { json } = await asDevice(`GET ${STATE}`);
    expect([json.reported, json.reported_version]).toEqual([{ value: 4 }, 4]);
  });

  test.each(['w/"1"', '"1", "2"', '"x"', "-1"])("refuses If-Match: %s", async (match) => {
    const { asDevice, told } = await world();
    const { status, json } = await asDevice(`PATCH ${STATE}`, { a: 1 }, { "if-match": match });
    expect([status, json.code]).toEqual([400, "state_invalid"]);
    expect(told).toEqual(["posted 42"]);
  });

  test.each([
    ["[]", 400, "state_invalid"],
    ["1", 400, "state_invalid"],
    ["", 400, "body_malformed"],
    ["{", 400, "body_malformed"],
    [`${'{"a":'.repeat(65)}1${"}".repeat(65)}`, 400, "state_invalid"],
    [`{"a":"${"x".repeat(LIMITS.stateMaxChars)}"}`, 413, "state_too_large"],
    ["x".repeat(100_001), 413, "body_too_large"],
  ])("PATCH refuses %.40j with %d %s", async (body, status, code) => {
    const { asDevice, records } = await world();
    const answer = await asDevice(`PATCH ${STATE}`, body);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(records.states.size).toBe(0);
  });

  test.each(["GET", "PATCH"])("%s by the backend knows devices that there are", async (method) => {
    const { asBackend, told } = await world();
    const body = method === "GET" ? undefined : {};
    const { status, json } = await asBackend(`${method} /v1/devices/43/state`, body);
    expect([status, json.code]).toEqual([404, "device_unknown"]);
    expect(told).toEqual([]);
  });

  test("knows the backend by its key wherever that stands, and else asks for the device's secret", async () => {
    const { ask, secret } = await world();
    const side = async (headers: Record<string, string>, query = "") => {
      const { json } = await ask(`PATCH ${STATE}${query}`, { headers, body: { at: headers } });
      return json.code ?? (json.delta ? "desired" : "reported");
    };
    expect(await side({ authorization: `Bearer ${secret}` })).toBe("reported");
    expect(await side({ authorization: `Bearer ${API_KEY}` })).toBe("desired");
    expect(await side({ authorization: `apikey ${API_KEY}` })).toBe("desired");
    expect(await side({ "x-api-key": API_KEY })).toBe("desired");
    expect(await side({}, `?api_key=${API_KEY}`)).toBe("desired");
    expect(await side({ "x-api-key": "x", authorization: `Bearer ${secret}` })).toBe(
      "api_key_wrong",
    );
    const mistyped = { headers: { authorization: `Bearer ${API_KEY}x` }, body: {} };
    expect((await ask(`PATCH ${STATE}`, mistyped)).json).toMatchObject({
      code: "secret_wrong",
      detail: expect.stringMatching(/, and it is no API key$/),
    });
    expect(await side({})).toBe("secret_missing");
  });

  test("takes the word that is both in development for the device's", async () => {
    const { ask } = await world({ dev: true });
    const headers = { authorization: "Bearer dev" };
    const options = { headers, body: { a: 1 }, from: "127.0.0.1" };
    expect((await ask(`PATCH ${STATE}`, options)).json.reported).toEqual({ a: 1 });
    const asBackend = { ...options, headers: { "x-api-key": "dev" } };
    expect((await ask(`PATCH ${STATE}`, asBackend)).json.desired).toEqual({ a: 1 });
  });

  test("does not let one device see or change another", async () => {
    const { asDevice, addDevice, records } = await world();
    await addDevice("43");
    for (const request of ["GET /v1/devices/43/state", "PATCH /v1/devices/43/state"]) {
      const body = request.startsWith("PATCH") ? {} : undefined;
      const { status, json } = await asDevice(request, body);
      expect([status, json.code]).toEqual([401, "secret_wrong"]);
    }
    expect(records.states.size).toBe(0);
  });
});
