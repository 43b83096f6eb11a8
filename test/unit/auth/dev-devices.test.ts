import { describe, expect, test } from "bun:test";
import { createDevDevices, DEV_SECRET } from "../../../src/auth/dev-devices.ts";
import { createDeviceSecrets } from "../../../src/auth/device-secrets.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { createDevices } from "../../../src/core/devices.ts";
import { Fault } from "../../../src/core/faults.ts";
import { systemEntropy } from "../../../src/runtime/entropy.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryRegistry } from "../../support/memory-registry.ts";

const ID = parseDeviceId("42");

function make() {
  const records = new MemoryRegistry();
  const devices = createDevDevices(
    createDevices({
      records,
      secrets: createDeviceSecrets(systemEntropy),
      clock: new FakeClock(),
      entropy: systemEntropy,
    }),
  );
  return { records, devices };
}

describe("createDevDevices()", () => {
  test("lets any device in with the secret of development, and adds it when it first comes", async () => {
    const { devices, records } = make();
    const met = await Promise.all([1, 2, 3].map(() => devices.authenticate(ID, DEV_SECRET)));
    expect(met).toMatchObject([{ id: ID }, { id: ID }, { id: ID }]);
    expect([...records.kept.keys()]).toEqual([ID]);
    expect(await devices.list({ limit: 10 })).toMatchObject([{ id: ID, enrollment: "closed" }]);
    await devices.remove(ID);
    await devices.authenticate(ID, DEV_SECRET);
    expect(records.kept.size).toBe(1);
  });

  test("lets real secrets in, too, and those of before and after it", async () => {
    const { devices } = make();
    const { secret } = await devices.add({ id: ID, name: "real" });
    expect(await devices.authenticate(ID, secret)).toMatchObject({ name: "real" });
    expect(await devices.authenticate(ID, DEV_SECRET)).toMatchObject({ name: "real" });
    const rotated = await devices.rotate(ID);
    await expect(devices.authenticate(ID, secret)).rejects.toMatchObject({ code: "secret_wrong" });
    expect(await devices.authenticate(ID, rotated.secret)).toMatchObject({ name: "real" });
  });

  test("refuses any other secret, says which one is good and adds nothing", async () => {
    const { devices, records } = make();
    const refusal = devices.authenticate(ID, "DEV");
    await expect(refusal).rejects.toMatchObject({
      code: "secret_wrong",
      detail: expect.stringContaining('"dev"'),
    });
    expect(records.kept.size).toBe(0);
  });

  test("tells later whether a device is still there, whatever its secret is by now", async () => {
    const { devices } = make();
    const { standing } = await devices.authenticate(ID, DEV_SECRET);
    await devices.rotate(ID);
    expect(await standing()).toBe("good");
    await devices.remove(ID);
    expect(await standing()).toBe("gone");
  });

  test("adds no more devices than there may be", async () => {
    const { devices, records } = make();
    records.devicesMax = 1;
    await devices.authenticate(ID, DEV_SECRET);
    const refused = devices.authenticate(parseDeviceId("43"), DEV_SECRET);
    await expect(refused).rejects.toMatchObject({ code: "devices_full" });
  });

  test("passes on what the store says", async () => {
    const { devices, records } = make();
    records.failure = new Fault("store_failed");
    for (const secret of [DEV_SECRET, "other"]) {
      const refused = devices.authenticate(ID, secret);
      await expect(refused).rejects.toMatchObject({ code: "store_failed" });
    }
  });

  test("does everything else as ever", async () => {
    const { devices } = make();
    await devices.enroll(ID, { name: "kiosk" });
    await devices.setPush(ID, { provider: "own", token: "t" });
    expect(await devices.change(ID, { meta: '{"a":1}' })).toMatchObject({ name: "kiosk" });
    expect(await devices.find(ID)).toMatchObject({ meta: '{"a":1}', pushProvider: "own" });
  });
});
