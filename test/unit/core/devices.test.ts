import { describe, expect, test } from "bun:test";
import { createDeviceSecrets } from "../../../src/auth/device-secrets.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { createDevices } from "../../../src/core/devices.ts";
import { Fault } from "../../../src/core/faults.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { Secrets } from "../../../src/core/ports/secrets.ts";
import { systemEntropy } from "../../../src/runtime/entropy.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryRegistry } from "../../support/memory-registry.ts";

const ID = parseDeviceId("42");

/** Secrets that also tell what was compared. */
function watched(secrets: Secrets): Secrets & { readonly compared: string[] } {
  const compared: string[] = [];
  return {
    compared,
    issue: () => secrets.issue(),
    matches(secret, hash) {
      compared.push(hash);
      return secrets.matches(secret, hash);
    },
  };
}

function make() {
  const records = new MemoryRegistry();
  const clock = new FakeClock();
  const secrets = watched(createDeviceSecrets(systemEntropy));
  const options = { records, secrets, clock, entropy: systemEntropy };
  /** `another` is the same store seen by another process. */
  return {
    records,
    clock,
    secrets,
    devices: createDevices(options),
    another: createDevices(options),
  };
}

describe("add()", () => {
  test("keeps the device with the hash of its secret, not with the secret", async () => {
    const { devices, records, clock } = make();
    const { id, secret } = await devices.add({ id: ID, name: "front door 前门" });
    expect(id).toBe(ID);
    const record = records.kept.get(ID);
    expect(record).toMatchObject({ id: ID, name: "front door 前门", createdAtMs: clock.nowMs() });
    expect(JSON.stringify(record)).not.toContain(secret);
  });

  test("makes an id that is a valid one when none is given", async () => {
    const { devices } = make();
    const made = await Promise.all([devices.add({}), devices.add({})]);
    const [first, second] = made.map(({ id }) => id);
    expect(parseDeviceId(first ?? "")).not.toBe(parseDeviceId(second ?? ""));
  });

  test("refuses an id that is taken and leaves its device alone", async () => {
    const { devices } = make();
    const { secret } = await devices.add({ id: ID });
    await expect(devices.add({ id: ID })).rejects.toMatchObject({ code: "device_exists" });
    expect(await devices.authenticate(ID, secret)).toMatchObject({ id: ID });
  });

  test.each(["x".repeat(LIMITS.deviceNameMaxChars + 1), "a\nb", "a\u0000", "\u001b[31m"])(
    "refuses the name %j",
    async (name) => {
      const { devices, records } = make();
      await expect(devices.add({ name })).rejects.toMatchObject({ code: "device_name_malformed" });
      expect(records.kept.size).toBe(0);
    },
  );
});

describe("add(), find() and change()", () => {
  test("keep meta with every digit as it was written, patched member by member", async () => {
    const { devices } = make();
    const meta = '{"sim":89860012345678901234,"at":1.0,\n"shop":"x"}';
    const { device } = await devices.add({ id: ID, meta });
    expect(device.meta).toBe('{"sim":89860012345678901234,"at":1.0,"shop":"x"}');
    await devices.change(ID, { meta: '{"shop":null,"lat":31.20}' });
    const { meta: patched } = await devices.find(ID);
    expect(patched).toBe('{"sim":89860012345678901234,"at":1.0,"lat":31.20}');
  });

  test("change only what is said", async () => {
    const { devices } = make();
    await devices.add({ id: ID, name: "door", meta: '{"a":1}', enroll: true });
    expect(await devices.change(ID, {})).toMatchObject({ name: "door", enrollment: "open" });
    expect(await devices.change(ID, { enroll: false })).toMatchObject({ enrollment: "closed" });
    expect(await devices.change(ID, { name: "" })).toMatchObject({ name: "", meta: '{"a":1}' });
    expect(await devices.find(ID)).toMatchObject({ name: "", enrollment: "closed" });
  });

  test.each([
    ["[]", "device_meta_invalid"],
    ['"x"', "device_meta_invalid"],
    [`${'{"a":'.repeat(65)}1${"}".repeat(65)}`, "device_meta_invalid"],
    [`{"a":"${"x".repeat(LIMITS.deviceMetaMaxChars)}"}`, "device_meta_too_large"],
  ])("refuse the meta %.40s", async (meta, code) => {
    const { devices, records } = make();
    await expect(devices.add({ meta })).rejects.toMatchObject({ code });
    expect(records.kept.size).toBe(0);
    await devices.add({ id: ID });
    await expect(devices.change(ID, { meta })).rejects.toMatchObject({ code });
    await expect(devices.enroll(parseDeviceId("43"), { meta })).rejects.toMatchObject({ code });
  });

  test("never tell a secret, a hash or a push token to who reads", async () => {
    const { devices } = make();
    const { secret } = await devices.add({ id: ID });
    await devices.setPush(ID, { provider: "jpush", token: "canary" });
    const told = JSON.stringify([
      await devices.find(ID),
      await devices.list({ limit: 10 }),
      await devices.change(ID, { name: "x" }),
      await devices.authenticate(ID, secret),
    ]);
    for (const hidden of [secret, "sha256", "secretHash", "canary"]) {
      expect(told).not.toContain(hidden);
    }
    expect(told).toContain('"pushProvider":"jpush"');
  });

  test("refuse one device too many", async () => {
    const { devices, records } = make();
    records.devicesMax = 1;
    await devices.add({ id: ID });
    await expect(devices.add({})).rejects.toMatchObject({ code: "devices_full" });
    const refused = devices.enroll(parseDeviceId("43"), {});
    await expect(refused).rejects.toMatchObject({ code: "devices_full" });
    await expect(devices.add({ id: ID })).rejects.toMatchObject({ code: "device_exists" });
  });
});

describe("enroll()", () => {
  test("makes a device with a secret of its own and what it says of itself", async () => {
    const { devices, records } = make();
    const { id, secret } = await devices.enroll(ID, { name: "kiosk", meta: '{"fw":1.10}' });
    expect(await devices.authenticate(id, secret)).toMatchObject({
      name: "kiosk",
      meta: '{"fw":1.10}',
      enrollment: "fresh",
    });
    expect(JSON.stringify([...records.kept])).not.toContain(secret);
  });

  test("can be repeated until the secret was used: the last answer holds", async () => {
    const { devices, records, clock } = make();
    const lost = await devices.enroll(ID, { name: "kiosk" });
    const arrived = await devices.enroll(ID, {});
    await expect(devices.authenticate(ID, lost.secret)).rejects.toMatchObject({
      code: "secret_wrong",
    });
    expect(await devices.authenticate(ID, arrived.secret)).toMatchObject({ name: "kiosk" });
    await records.noteSightings(new Map([[ID, { seenAtMs: clock.nowMs(), address: "::1" }]]));
    await expect(devices.enroll(ID, {})).rejects.toMatchObject({ code: "device_enrolled" });
    expect(await devices.authenticate(ID, arrived.secret)).toMatchObject({ id: ID });
  });

  test("gives one of many at a time the secret that holds", async () => {
    const { devices } = make();
    const answers = await Promise.all([1, 2, 3].map(() => devices.enroll(ID, {})));
    const tried = await Promise.allSettled(
      answers.map(({ secret }) => devices.authenticate(ID, secret)),
    );
    expect(tried.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("needs the backend's leave for a device that the backend added, once", async () => {
    const { devices, records } = make();
    const { secret } = await devices.add({ id: ID });
    const refused = { code: "device_enrolled" };
    await expect(devices.enroll(ID, { name: "forged" })).rejects.toMatchObject(refused);
    expect(await devices.authenticate(ID, secret)).toMatchObject({ name: "" });
    await devices.change(ID, { enroll: true });
    await devices.enroll(ID, {});
    await records.noteSightings(new Map([[ID, { seenAtMs: 1, address: "::1" }]]));
    await expect(devices.enroll(ID, {})).rejects.toMatchObject(refused);
    await expect(devices.authenticate(ID, secret)).rejects.toMatchObject({ code: "secret_wrong" });
  });
});

describe("setPush()", () => {
  test("keeps and forgets by what a device can be woken", async () => {
    const { devices, records } = make();
    await devices.add({ id: ID });
    await devices.setPush(ID, { provider: "jpush", token: "t" });
    expect(records.kept.get(ID)?.push).toEqual({ provider: "jpush", token: "t" });
    await devices.setPush(ID, null);
    expect(records.kept.get(ID)?.push).toBeUndefined();
    expect(await devices.find(ID)).not.toHaveProperty("pushProvider");
  });
});

describe("list()", () => {
  test("gives no more than a page may hold", async () => {
    const { devices, records } = make();
    const asked: number[] = [];
    records.devices = async ({ limit }) => {
      asked.push(limit);
      return [];
    };
    await devices.list({ limit: 1_000_000, search: "x" });
    expect(asked).toEqual([LIMITS.devicesPerPage]);
  });

  test("gives pages in order of id and no hash", async () => {
    const { devices } = make();
    for (const id of ["c", "a", "b"]) await devices.add({ id: parseDeviceId(id), name: `n-${id}` });
    const first = await devices.list({ limit: 2 });
    expect(first.map(({ id, name }) => [String(id), name])).toEqual([
      ["a", "n-a"],
      ["b", "n-b"],
    ]);
    const rest = await devices.list({ after: parseDeviceId("b"), limit: 2 });
    expect(rest.map(({ id }) => String(id))).toEqual(["c"]);
    expect(JSON.stringify([first, rest])).not.toContain("sha256");
  });
});

describe("rotate() and remove()", () => {
  test("rotate() ends the old secret at once and lets the new one in", async () => {
    const { devices } = make();
    const { secret } = await devices.add({ id: ID });
    await devices.authenticate(ID, secret);
    const rotated = await devices.rotate(ID);
    await expect(devices.authenticate(ID, secret)).rejects.toMatchObject({ code: "secret_wrong" });
    expect(await devices.authenticate(ID, rotated.secret)).toMatchObject({ id: ID });
  });

  test("remove() ends the device at once", async () => {
    const { devices } = make();
    const { secret } = await devices.add({ id: ID });
    await devices.authenticate(ID, secret);
    await devices.remove(ID);
    await expect(devices.authenticate(ID, secret)).rejects.toMatchObject({ code: "secret_wrong" });
  });

  test("a read that was on its way when rotate() came does not bring the old secret back", async () => {
    const { devices, records } = make();
    const { secret } = await devices.add({ id: ID });
    const { promise, resolve } = Promise.withResolvers<void>();
    records.gate = promise;
    const early = devices.authenticate(ID, secret);
    await devices.rotate(ID);
    resolve();
    await early;
    await expect(devices.authenticate(ID, secret)).rejects.toMatchObject({ code: "secret_wrong" });
  });

  test("refuse an unknown device by name", async () => {
    const { devices } = make();
    const refusal = { code: "device_unknown", detail: 'there is no device "42"' };
    await expect(devices.rotate(ID)).rejects.toMatchObject(refusal);
    await expect(devices.remove(ID)).rejects.toMatchObject(refusal);
    await expect(devices.find(ID)).rejects.toMatchObject(refusal);
    await expect(devices.change(ID, { name: "x" })).rejects.toMatchObject(refusal);
    await expect(devices.setPush(ID, null)).rejects.toMatchObject(refusal);
  });

  test("what a failing store may have written takes effect at once, too", async () => {
    const { devices, records } = make();
    const { secret } = await devices.add({ id: ID });
    await devices.authenticate(ID, secret);
    const change = records.changeDevice.bind(records);
    records.changeDevice = async (...args) => {
      await change(...args);
      throw new Fault("store_failed");
    };
    await expect(devices.rotate(ID)).rejects.toMatchObject({ code: "store_failed" });
    await expect(devices.authenticate(ID, secret)).rejects.toMatchObject({ code: "secret_wrong" });
  });

  test("an id that was just refused can be added and used at once", async () => {
    const { devices } = make();
    await expect(devices.authenticate(ID, "x")).rejects.toMatchObject({ code: "secret_wrong" });
    const { secret } = await devices.add({ id: ID });
    expect(await devices.authenticate(ID, secret)).toMatchObject({ id: ID });
  });
});

describe("authenticate()", () => {
  test("gives the device, without the hash", async () => {
    const { devices, clock } = make();
    const { secret } = await devices.add({ id: ID, name: "door" });
    const { standing: _, ...device } = await devices.authenticate(ID, secret);
    expect(device).toEqual({
      id: ID,
      name: "door",
      meta: "{}",
      enrollment: "closed",
      createdAtMs: clock.nowMs(),
      online: false,
      generation: 0,
    });
  });

  test("tells later whether the device would still be let in", async () => {
    const { devices, records, clock } = make();
    const { secret } = await devices.add({ id: ID });
    const admitted = await devices.authenticate(ID, secret);
    await devices.change(ID, { name: "renamed" });
    expect(await admitted.standing()).toBe("good");
    const { secret: newer } = await devices.rotate(ID);
    const anew = await devices.authenticate(ID, newer);
    expect([await admitted.standing(), await anew.standing()]).toEqual(["revoked", "good"]);
    // Another process removes it.
    records.kept.delete(ID);
    clock.advance(1_000);
    expect(await anew.standing()).toBe("gone");
  });

  test("answers an unknown device and a wrong secret alike, after one read and one comparison each", async () => {
    const { devices, records, secrets } = make();
    await devices.add({ id: ID });
    const costs: unknown[] = [];
    for (const id of [ID, parseDeviceId("unknown")]) {
      for (const again of [false, true]) {
        const before = [records.reads, secrets.compared.length];
        const fault = await devices.authenticate(id, "phd_wrong").catch((error: unknown) => error);
        costs.push({
          again,
          message: String(fault),
          reads: records.reads - (before[0] ?? 0),
          compared: secrets.compared.length - (before[1] ?? 0),
        });
      }
    }
    expect(costs.slice(2)).toEqual(costs.slice(0, 2));
    expect(costs.slice(0, 2)).toMatchObject([
      { again: false, reads: 1, compared: 1 },
      { again: true, reads: 0, compared: 1 },
    ]);
  });

  test("does not let an unknown device in with the secret behind the decoy hash", async () => {
    const issued: string[] = [];
    const { records, clock, secrets } = make();
    const spying: Secrets = {
      matches: (secret, hash) => secrets.matches(secret, hash),
      async issue() {
        const made = await secrets.issue();
        issued.push(made.secret);
        return made;
      },
    };
    const devices = createDevices({ records, secrets: spying, clock, entropy: systemEntropy });
    await expect(devices.authenticate(ID, "x")).rejects.toMatchObject({ code: "secret_wrong" });
    await expect(devices.authenticate(ID, issued[0] ?? "")).rejects.toMatchObject({
      code: "secret_wrong",
    });
    expect(issued).toHaveLength(1);
  });

  test("reads a busy device once a second, however many ask", async () => {
    const { devices, records, clock } = make();
    const { secret } = await devices.add({ id: ID });
    await Promise.all(Array.from({ length: 50 }, () => devices.authenticate(ID, secret)));
    clock.advance(999);
    await devices.authenticate(ID, secret);
    expect(records.reads).toBe(1);
    clock.advance(1);
    await devices.authenticate(ID, secret);
    expect(records.reads).toBe(2);
  });

  test("notices within a second what another process changed", async () => {
    const { devices, another, clock } = make();
    const { secret } = await devices.add({ id: ID });
    await devices.authenticate(ID, secret);
    const rotated = await another.rotate(ID);
    clock.advance(1_000);
    await expect(devices.authenticate(ID, secret)).rejects.toMatchObject({ code: "secret_wrong" });
    expect(await devices.authenticate(ID, rotated.secret)).toMatchObject({ id: ID });
  });

  test("counts the age of a record from the start of its reading", async () => {
    const { devices, another, records, clock } = make();
    const { secret } = await devices.add({ id: ID });
    const { promise, resolve } = Promise.withResolvers<void>();
    records.gate = promise;
    const slow = devices.authenticate(ID, secret);
    await another.rotate(ID);
    clock.advance(1_000);
    resolve();
    await slow;
    await expect(devices.authenticate(ID, secret)).rejects.toMatchObject({ code: "secret_wrong" });
  });

  test("passes a failure of the store on and asks again the next time", async () => {
    const { devices, records } = make();
    const { secret } = await devices.add({ id: ID });
    records.failure = new Error("disk gone");
    const both = [devices.authenticate(ID, secret), devices.authenticate(ID, secret)];
    for (const result of await Promise.allSettled(both)) {
      expect(result).toMatchObject({ status: "rejected", reason: records.failure });
    }
    records.failure = undefined;
    expect(await devices.authenticate(ID, secret)).toMatchObject({ id: ID });
  });

  test("keeps at most a bounded number of records and lets the longest unread go first", async () => {
    const { devices, records, clock } = make();
    const ask = (id: string) => devices.authenticate(parseDeviceId(id), "x").catch(() => undefined);
    const readsOf = async (id: string) => {
      const before = records.reads;
      await ask(id);
      return records.reads - before;
    };
    await ask("again");
    await ask("once");
    clock.advance(1_000);
    await ask("again");
    for (let index = 0; index < LIMITS.recentDevices - 1; index += 1) await ask(`d${index}`);
    expect(await readsOf("again")).toBe(0);
    await ask("one-more");
    expect(await readsOf("d0")).toBe(0);
    expect(await readsOf("again")).toBe(1);
  });
});
