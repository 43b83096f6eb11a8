import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../../src/core/limits.ts";
import { API_KEY, registryWorld } from "../../support/registry-world.ts";

const NOW = Date.UTC(2026, 0, 1);
const SECRET = /^phd_[\w-]{32}$/;

describe("POST /v1/devices", () => {
  test("answers the new device and its secret, which is told this once and never kept", async () => {
    const { asBackend, records } = registryWorld();
    const added = await asBackend("POST /v1/devices", { id: "42", name: "front door" });
    expect([added.status, added.headers.get("cache-control")]).toEqual([201, "no-store"]);
    expect(added.json).toEqual({
      id: "42",
      secret: expect.stringMatching(SECRET),
      name: "front door",
      meta: {},
      enrollment: "closed",
      online: false,
      created_at: NOW,
      server_time: NOW,
    });
    const { secret } = added.json;
    const seen = [
      await asBackend("GET /v1/devices"),
      await asBackend("GET /v1/devices/42"),
      await asBackend("PATCH /v1/devices/42", { name: "x" }),
    ];
    expect(JSON.stringify([seen, ...records.kept])).not.toContain(secret);
    expect(JSON.stringify(seen)).not.toContain("sha256");
  });

  test("makes an id where none is given, also without a body", async () => {
    const { asBackend } = registryWorld();
    for (const body of [undefined, "", " \n", {}]) {
      const { status, json } = await asBackend("POST /v1/devices", body);
      expect([status, json.id]).toEqual([201, expect.stringMatching(/^[\da-f-]{36}$/)]);
    }
  });

  test("keeps every digit of meta, and lets terminals enroll where it says so", async () => {
    const { asBackend } = registryWorld();
    const body = '{"id":"42","meta":{"sim":89860012345678901234,"v":1.0},"enroll":true}';
    const { text } = await asBackend("POST /v1/devices", body);
    expect(text).toContain('"meta":{"sim":89860012345678901234,"v":1.0},"enrollment":"open"');
  });

  test.each([
    [{ id: "a b" }, 400, "device_malformed", "got"],
    [{ id: 42 }, 400, "device_invalid", "id: "],
    [{ id: "42", nmae: "x" }, 400, "device_invalid", '"nmae"'],
    [{ name: "a\nb" }, 400, "device_name_malformed", "on one line"],
    [{ meta: [] }, 400, "device_invalid", "meta: "],
    [{ meta: { a: "x".repeat(LIMITS.deviceMetaMaxChars) } }, 413, "device_meta_too_large", "8192"],
    [{ enroll: "yes" }, 400, "device_invalid", "enroll: "],
    [[], 400, "device_invalid", "the whole: "],
    ["{", 400, "body_malformed", "it is not JSON"],
    [{ id: "taken" }, 409, "device_exists", '"taken"'],
  ])("refuses %j with %d %s", async (...[body, status, code, detail]) => {
    const { asBackend, addDevice, records } = registryWorld();
    await addDevice("taken");
    const answer = await asBackend("POST /v1/devices", body);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(answer.json.detail).toContain(detail);
    expect(records.kept.size).toBe(1);
  });
});

describe("GET /v1/devices", () => {
  const idsOf = ({ json }: { json: { devices: { id: string }[] } }) =>
    json.devices.map(({ id }) => id).join();

  test("gives pages in order of id that lead to each other", async () => {
    const { asBackend, addDevice } = registryWorld();
    for (const id of ["c", "a", "e", "b", "d"]) await addDevice(id);
    const pages: string[] = [];
    for (let next = ""; ; ) {
      const page = await asBackend(`GET /v1/devices?limit=2&after=${next}`);
      expect(page.json.server_time).toBe(NOW);
      pages.push(idsOf(page));
      if (page.json.next === undefined) break;
      next = page.json.next;
    }
    expect(pages).toEqual(["a,b", "c,d", "e"]);
  });

  test("finds by a part of the id or name, and by presence", async () => {
    const { asBackend, addDevice, records } = registryWorld();
    for (const id of ["shop-1", "shop-2", "depot"]) await addDevice(id);
    await asBackend("PATCH /v1/devices/depot", { name: "Old Shop" });
    const [first] = records.kept;
    if (first !== undefined) records.kept.set(first[0], { ...first[1], online: true });
    const ids = async (query: string) => idsOf(await asBackend(`GET /v1/devices?${query}`));
    expect(await ids("search=SHOP")).toBe("depot,shop-1,shop-2");
    expect(await ids("search=shop&online=true")).toBe("shop-1");
    expect(await ids("online=false")).toBe("depot,shop-2");
    expect(await ids("search=&online=&limit=&after=")).toBe("depot,shop-1,shop-2");
    expect(await ids("search=%25")).toBe("");
  });

  test.each([
    ["limit=0", "limit is"],
    ["limit=1001", "from 1 to 1000"],
    ["limit=x", 'limit is "x"'],
    ["online=yes", 'online is "yes", wanted true or false'],
    [`search=${"x".repeat(129)}`, "at most 128 characters"],
    ["search=%00", "on one line"],
  ])("refuses ?%s", async (query, detail) => {
    const { asBackend } = registryWorld();
    const { status, json } = await asBackend(`GET /v1/devices?${query}`);
    expect([status, json.code]).toEqual([400, "query_invalid"]);
    expect(json.detail).toContain(detail);
  });

  test("refuses an ?after that no device can have", async () => {
    const { json } = await registryWorld().asBackend("GET /v1/devices?after=a%20b");
    expect(json.code).toBe("device_malformed");
  });
});

describe("/v1/devices/{id}", () => {
  test("GET tells when and how the device was seen, also what is not written down yet", async () => {
    const { asBackend, addDevice, records, clock } = registryWorld();
    const { asDevice } = await addDevice("42");
    await asDevice("GET /v1/devices/42/state", undefined, { "x-app-version": "2.1 (77)" });
    clock.advance(5);
    await asDevice("GET /v1/devices/42/state");
    expect(records.noted).toHaveLength(1);
    const { json } = await asBackend("GET /v1/devices/42");
    expect(json).toMatchObject({
      last_seen_at: NOW + 5,
      address: "192.0.2.7",
      app_version: "2.1 (77)",
    });
    expect((await asBackend("GET /v1/devices")).json.devices).toMatchObject([
      { last_seen_at: NOW + 5 },
    ]);
  });

  test.each(["x".repeat(LIMITS.appVersionMaxChars + 1), "1.0\u0007", "1.0\u00e9"])(
    "takes no notice of the app version %j",
    async (version) => {
      const { asBackend, addDevice } = registryWorld();
      const { asDevice } = await addDevice("42");
      const headers = { "x-app-version": version };
      const { status } = await asDevice("GET /v1/devices/42/state", undefined, headers);
      const { json } = await asBackend("GET /v1/devices/42");
      expect([status, json.last_seen_at, json.app_version]).toEqual([200, NOW, undefined]);
    },
  );

  test("PATCH merges meta and changes only what it names", async () => {
    const { asBackend } = registryWorld();
    await asBackend("POST /v1/devices", '{"id":"42","name":"n","meta":{"a":1,"b":2.50}}');
    const { status, text } = await asBackend(
      "PATCH /v1/devices/42",
      '{"meta":{"a":null,"c":{"d":1e400}}}',
    );
    expect(status).toBe(200);
    expect(text).toStartWith('{"id":"42","name":"n","meta":{"b":2.50,"c":{"d":1e400}},');
    const opened = await asBackend("PATCH /v1/devices/42", { enroll: true });
    expect(opened.json).toMatchObject({ name: "n", enrollment: "open", server_time: NOW });
  });

  test.each([
    [{ id: "43" }, "device_invalid"],
    [{ meta: null }, "device_invalid"],
    [{ name: null }, "device_invalid"],
    ["", "body_malformed"],
  ])("PATCH refuses %j", async (body, code) => {
    const { asBackend, addDevice } = registryWorld();
    await addDevice("42");
    const { status, json } = await asBackend("PATCH /v1/devices/42", body);
    expect([status, json.code]).toEqual([400, code]);
  });

  test("DELETE ends the device everywhere at once", async () => {
    const { asBackend, addDevice, told } = registryWorld();
    const { asDevice } = await addDevice("42");
    // The second one is not written down yet.
    for (const _ of [1, 2]) await asDevice("GET /v1/devices/42/state");
    const { status, headers, text } = await asBackend("DELETE /v1/devices/42");
    expect([status, headers.get("server-time"), text]).toEqual([204, String(NOW), ""]);
    expect(told.slice(2)).toEqual(["forgot 42", "dismissed 42", "removed 42"]);
    expect((await asDevice("GET /v1/devices/42/state")).json.code).toBe("secret_wrong");
    await asBackend("POST /v1/devices", { id: "42" });
    const { json } = await asBackend("GET /v1/devices/42");
    expect(json).not.toHaveProperty("last_seen_at");
  });

  test("POST …/secret ends the old secret at once", async () => {
    const { asBackend, addDevice, ask, told } = registryWorld();
    const { secret, asDevice } = await addDevice("42");
    await asDevice("GET /v1/devices/42/state");
    const rotated = await asBackend("POST /v1/devices/42/secret");
    expect([rotated.status, rotated.headers.get("cache-control")]).toEqual([200, "no-store"]);
    expect(rotated.json).toEqual({
      id: "42",
      secret: expect.stringMatching(SECRET),
      server_time: NOW,
    });
    expect(rotated.json.secret).not.toBe(secret);
    expect((await asDevice("GET /v1/devices/42/state")).status).toBe(401);
    const headers = { authorization: `Bearer ${rotated.json.secret}` };
    expect((await ask("GET /v1/devices/42/state", { headers })).status).toBe(200);
    expect(told).toContain("dismissed 42");
  });

  test.each(["GET /", "PATCH /", "DELETE /", "POST /secret"])(
    "answers %s of an unknown device with 404",
    async (request) => {
      const { asBackend, told } = registryWorld();
      const path = request.replace(/ \/?/, " /v1/devices/42/").replace(/\/$/, "");
      const { status, json } = await asBackend(path, request.startsWith("P") ? {} : undefined);
      expect([status, json.code]).toEqual([404, "device_unknown"]);
      expect(told).toEqual([]);
    },
  );
});

describe("the registry", () => {
  const REQUESTS = [
    "POST /v1/devices",
    "GET /v1/devices",
    "GET /v1/devices/42",
    "PATCH /v1/devices/42",
    "DELETE /v1/devices/42",
    "POST /v1/devices/42/secret",
  ];

  test.each(REQUESTS)("lets nobody but the backend do %s", async (request) => {
    const { ask, addDevice, records } = registryWorld();
    const { secret } = await addDevice("42");
    const before = JSON.stringify([...records.kept]);
    const bodyOf = () => (/^P/.test(request) ? { body: "{}" } : {});
    expect((await ask(request, bodyOf())).json.code).toBe("api_key_missing");
    for (const key of [secret, `${API_KEY}x`, "dev"]) {
      const headers = { authorization: `Bearer ${key}` };
      const { status, json } = await ask(request, { ...bodyOf(), headers });
      expect([status, json.code]).toEqual([401, "api_key_wrong"]);
    }
    expect(JSON.stringify([...records.kept])).toBe(before);
  });

  test("does not say of a device without the key whether there is one", async () => {
    const { ask, addDevice } = registryWorld();
    await addDevice("42");
    const [known, unknown] = [await ask("GET /v1/devices/42"), await ask("GET /v1/devices/43")];
    expect(known.text).toBe(unknown.text);
  });

  test("logs what was done to whom, without a secret", async () => {
    const { asBackend, log } = registryWorld();
    const { json } = await asBackend("POST /v1/devices", { id: "42" });
    const rotated = await asBackend("POST /v1/devices/42/secret");
    await asBackend("DELETE /v1/devices/42");
    expect(log.lines.map(({ event, fields }) => [event, fields])).toEqual([
      ["device.added", { device: "42" }],
      ["device.rotated", { device: "42" }],
      ["device.removed", { device: "42" }],
    ]);
    for (const secret of [json.secret, rotated.json.secret]) {
      expect(JSON.stringify(log.lines)).not.toContain(secret);
    }
  });
});
