import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { Fleet } from "../support/fleet.ts";
import { deliveryOn } from "../support/guided-device.ts";
import { eventually, within } from "../support/inbox.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

interface Listed {
  readonly id: string;
}

function idsIn(body: Readonly<Record<string, unknown>>): readonly string[] {
  return (body["devices"] as readonly Listed[]).map(({ id }) => id);
}

describe.each(TARGETS)("the registry of $name", (target) => {
  test("adds a device with what the backend knows of it, and shows its secret once", async () => {
    await using fleet = await Fleet.start(target);
    const meta = '{"serial":9007199254740993,"price":1.50,"tags":[ ]}';
    const added = await fleet.api("POST", "/v1/devices", {
      body: `{"id":"till-1","name":"Front door","meta":${meta}}`,
    });
    expect(added.status).toBe(201);
    expect(added.headers.get("cache-control")).toBe("no-store");
    expect(added.text).toContain(`"meta":${meta}`);
    const found = await fleet.api("GET", "/v1/devices/till-1");
    expect(found.body).toMatchObject({ id: "till-1", name: "Front door", online: false });
    expect(found.text).toContain(`"meta":${meta}`);
    expect(found.text).not.toContain("secret");

    const unnamed = await fleet.api("POST", "/v1/devices");
    expect(unnamed.status).toBe(201);
    const device = fleet.device(String(unnamed.body["id"]), String(unnamed.body["secret"]));
    expect((await device.poll("wait=0")).status).toBe(204);
    const refused = [
      await fleet.api("POST", "/v1/devices", { body: { id: "till-1" } }),
      await fleet.api("POST", "/v1/devices", { body: { id: "no spaces" } }),
      await fleet.api("POST", "/v1/devices", { body: { id: "x", colour: "red" } }),
      await fleet.api("GET", "/v1/devices/nobody"),
      await fleet.api("GET", "/v1/devices/till-1", { headers: { "x-api-key": "wrong" } }),
    ];
    expect(refused.map(({ status, body }) => [status, body["code"]])).toEqual([
      [409, "device_exists"],
      [400, "device_malformed"],
      [400, "device_invalid"],
      [404, "device_unknown"],
      [401, "api_key_wrong"],
    ]);
    expect(refused[2]?.text).toContain("colour");
  });

  test("lists devices a page at a time, those that are searched for, and those that are online", async () => {
    await using fleet = await Fleet.start(target);
    const ids = Array.from({ length: 7 }, (_, n) => `till-${n}`);
    for (const id of ids) await fleet.addDevice(id);
    await fleet.api("POST", "/v1/devices", { body: { id: "gate", name: "Tilly" } });
    const found: string[] = [];
    let next: unknown = "";
    do {
      const { body } = await fleet.api("GET", `/v1/devices?limit=3&after=${next}`);
      expect(idsIn(body).length).toBeLessThanOrEqual(3);
      found.push(...idsIn(body));
      next = body["next"];
    } while (next !== undefined);
    expect(found).toEqual(["gate", ...ids]);

    const named = await fleet.api("GET", "/v1/devices?search=TILLY");
    expect(idsIn(named.body)).toEqual(["gate"]);
    const alike = await fleet.api("GET", "/v1/devices?search=till-&limit=2&after=till-4");
    expect(idsIn(alike.body)).toEqual(["till-5", "till-6"]);

    const till = await fleet.addDevice("here");
    using _stream = await till.stream();
    const online = await eventually(async () => {
      const { body } = await fleet.api("GET", "/v1/devices?online=true");
      return idsIn(body).length > 0 ? idsIn(body) : undefined;
    }, "a device to be online");
    expect(online).toEqual(["here"]);
    expect(idsIn((await fleet.api("GET", "/v1/devices?online=false")).body)).not.toContain("here");
    const refused = await fleet.api("GET", "/v1/devices?limit=1001");
    expect([refused.status, refused.body["code"]]).toEqual([400, "query_invalid"]);
  });

  test("changes name and meta by a merge patch that leaves every digit alone", async () => {
    await using fleet = await Fleet.start(target);
    const meta = '{"serial":9007199254740993,"gone":1,"nested":{"a":1.50,"b":2}}';
    await fleet.api("POST", "/v1/devices", { body: `{"id":"till-1","name":"A","meta":${meta}}` });
    const patch = '{"meta":{"gone":null,"nested":{"b":123456789012345678901},"new":-0.0}}';
    const changed = await fleet.api("PATCH", "/v1/devices/till-1", { body: patch });
    expect(changed.status).toBe(200);
    const merged =
      '{"serial":9007199254740993,"nested":{"a":1.50,"b":123456789012345678901},"new":-0.0}';
    expect(changed.text).toContain(`"name":"A","meta":${merged}`);
    await fleet.api("PATCH", "/v1/devices/till-1", { body: { name: "B" } });
    await fleet.killAndRestart();
    const found = await fleet.api("GET", "/v1/devices/till-1");
    expect(found.text).toContain(`"name":"B","meta":${merged}`);
  });

  test("knows when a device was last seen, from where and with which app", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    const startedAt = Date.now();
    const body = { type: "t", data: 1 };
    await till.ask("POST", "/events", { body, headers: { "x-app-version": "2.4.1" } });
    const found = await fleet.api("GET", "/v1/devices/till-1");
    expect(found.body).toMatchObject({ address: "127.0.0.1", app_version: "2.4.1" });
    expect(Math.abs(Number(found.body["last_seen_at"]) - startedAt)).toBeLessThan(5_000);
    expect(await fleet.server.stop()).toBe(0);
    await fleet.killAndRestart();
    const { body: kept } = await fleet.api("GET", "/v1/devices/till-1");
    expect(kept["last_seen_at"]).toBe(found.body["last_seen_at"]);
    expect(kept).toMatchObject({ address: "127.0.0.1", app_version: "2.4.1" });
  });

  test("gives a device a new secret, which ends the old one and what it opened", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    using stream = await till.stream();
    using socket = await till.socket();
    const rotated = await fleet.api("POST", "/v1/devices/till-1/secret");
    expect(rotated.headers.get("cache-control")).toBe("no-store");
    await within(stream.end(), "the end of the stream");
    expect((await socket.end()).code).toBe(3503);
    expect((await till.poll("wait=0")).body["code"]).toBe("secret_wrong");
    const renewed = fleet.device("till-1", String(rotated.body["secret"]));
    expect((await renewed.poll("wait=0")).status).toBe(204);
  });

  test("removes a device with all that is open, and knows nothing of it when it is added again", async () => {
    await using fleet = await Fleet.start(target);
    const till = await fleet.addDevice("till-1");
    using stream = await till.stream();
    const id = await fleet.sendOk(till, { type: "open" });
    await deliveryOn(stream);
    await till.ask("PATCH", "/state", { body: { t: 1 } });
    const removed = await fleet.api("DELETE", "/v1/devices/till-1");
    expect(removed.status).toBe(204);
    await within(stream.end(), "the end of the stream");
    expect((await fleet.api("DELETE", "/v1/devices/till-1")).status).toBe(404);
    expect((await till.poll("wait=0")).status).toBe(401);
    expect((await fleet.send(till, { type: "open" })).status).toBe(404);

    const again = await fleet.addDevice("till-1");
    expect(again.secret).not.toBe(till.secret);
    expect((await till.poll("wait=0")).status).toBe(401);
    expect((await again.poll("wait=0")).status).toBe(204);
    expect((await again.settle(id)).body["code"]).toBe("command_unknown");
    expect((await again.ask("GET", "/state")).body).toMatchObject({
      reported: {},
      reported_version: 0,
    });
  });

  test("lets no secret out: neither into the log nor onto the disk", async () => {
    await using fleet = await Fleet.start(target, { log: { level: "debug" } });
    const till = await fleet.addDevice("till-1");
    const wrong = "a-secret-that-is-wrong-0123456789";
    await till.ask("POST", "/events", { body: { type: "t", data: 1 } });
    await fleet.device("till-1", wrong).poll("wait=0");
    const rotated = await fleet.api("POST", "/v1/devices/till-1/secret");
    const secrets = [till.secret, String(rotated.body["secret"]), wrong];
    expect(secrets.every((secret) => secret.length >= 20)).toBe(true);
    const directory = fleet.server.workspace.file("data");
    const names = await readdir(directory);
    const files = await Promise.all(
      names.map((name) => readFile(`${directory}/${name}`, "latin1").catch(() => "")),
    );
    expect(files.some((text) => text.includes("till-1"))).toBe(true);
    await fleet.server.waitForLog("device.refused");
    for (const secret of secrets) {
      expect(fleet.server.output).not.toContain(secret);
      expect(files.some((text) => text.includes(secret))).toBe(false);
    }
  });
});
