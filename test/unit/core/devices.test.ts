import { describe, expect, test } from "bun:test";
import { createDeviceSecrets } from "../../../src/auth/device-secrets.ts";
import { type DeviceId, parseDeviceId } from "../../../src/core/device-id.ts";
import { createDevices } from "../../../src/core/devices.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import type { DeviceRecord, DeviceRecords } from "../../../src/core/ports/engine.ts";
import type { Secrets } from "../../../src/core/ports/secrets.ts";
import { systemEntropy } from "../../../src/runtime/entropy.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const ID = parseDeviceId("42");

/** Records in memory that count their reads and can be made to fail or to wait. */
class MemoryRecords implements DeviceRecords {
  readonly kept = new Map<DeviceId, DeviceRecord>();
  reads = 0;
  failure: Error | undefined;
  gate: Promise<void> | undefined;

  async addDevice(record: DeviceRecord): Promise<boolean> {
    if (this.kept.has(record.id)) return false;
    this.kept.set(record.id, record);
    return true;
  }

  async setDeviceSecret(id: DeviceId, secretHash: string): Promise<boolean> {
    const record = this.kept.get(id);
    if (record !== undefined) this.kept.set(id, { ...record, secretHash });
    return record !== undefined;
  }

  async removeDevice(id: DeviceId): Promise<boolean> {
    return this.kept.delete(id);
  }

  async device(id: DeviceId): Promise<DeviceRecord | undefined> {
    this.reads += 1;
    const record = this.kept.get(id);
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    return record;
  }

  async devices({ after = "", limit }: { after?: string; limit: number }) {
    const ids = [...this.kept.keys()].toSorted().filter((id) => id > after);
    return ids.slice(0, limit).flatMap((id) => this.kept.get(id) ?? []);
  }
}

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
  const records = new MemoryRecords();
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

describe("list()", () => {
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
    const device = await devices.authenticate(ID, secret);
    expect(device).toEqual({ id: ID, name: "door", createdAtMs: clock.nowMs() });
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
