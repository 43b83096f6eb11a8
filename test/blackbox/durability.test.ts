import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { addDevice } from "../support/cli.ts";
import { Device, type DeviceEvent } from "../support/device.ts";
import { eventually } from "../support/inbox.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const DEVICES = ["a", "b", "c", "d"];
const KILLS = 3;
/** Posts each device may have in flight: each is stored or not when the process dies. */
const PARALLEL = 4;

/** What the server said it had stored: offset by device and event id. */
type Acknowledged = Map<string, number>;

describe.each(TARGETS)("kill -9 under load on $name", (target) => {
  test("loses no acknowledged post, and gives no offset twice", async () => {
    await using workspace = await Workspace.make();
    const acknowledged: Acknowledged = new Map();
    const secrets = new Map<string, string>();
    for (const id of DEVICES) {
      secrets.set(id, await secretOf(id));
    }

    for (let round = 0; round < KILLS; round += 1) {
      await using server = await startPosthorn(target, { workspace });
      const before = acknowledged.size;
      const load = DEVICES.flatMap((id) => {
        const device = new Device(server.url, { id, secret: secrets.get(id) ?? "" });
        return Array.from({ length: PARALLEL }, (_, lane) =>
          postUntilBroken(device, `${round}-${lane}`, acknowledged),
        );
      });
      await eventually(
        () => acknowledged.size > before + 400 || undefined,
        "400 acknowledged posts",
      );
      await server.kill();
      await Promise.all(load);
    }

    await using server = await startPosthorn(target, { workspace });
    for (const id of DEVICES) {
      const device = new Device(server.url, { id, secret: secrets.get(id) ?? "" });
      await expectAllStored(device, acknowledged);
    }

    async function secretOf(id: string): Promise<string> {
      return (await addDevice(target, workspace, id)).secret;
    }
  });

  test("is what the default is made for: commits are synced unless the configuration asks otherwise", async () => {
    {
      await using server = await startPosthorn(target);
      expect(server.logged("store.opened")).toMatchObject([{ sync: "full" }]);
    }
    await using server = await startPosthorn(target, { config: { store: { sync: "normal" } } });
    expect(server.logged("store.opened")).toMatchObject([{ sync: "normal" }]);
  });
});

/** The same whenever it is posted: the same id with other data would be refused. */
function eventOf(id: string): DeviceEvent {
  return { id, type: "t", data: { of: id } };
}

/** Posts one event after the other until the server is gone, noting what was acknowledged. */
async function postUntilBroken(
  device: Device,
  run: string,
  acknowledged: Acknowledged,
): Promise<void> {
  for (let index = 0; ; index += 1) {
    const id = `${run}-${index}`;
    try {
      const { status, results } = await device.post(eventOf(id));
      if (status !== 200) return;
      acknowledged.set(`${device.id}/${id}`, results[0]?.offset ?? 0);
    } catch {
      return; // the kill
    }
  }
}

/** Posts every acknowledged event again: each must be known already, at the offset it was given. */
async function expectAllStored(device: Device, acknowledged: Acknowledged): Promise<void> {
  const prefix = `${device.id}/`;
  const own = [...acknowledged].filter(([key]) => key.startsWith(prefix));
  expect(own.length).toBeGreaterThan(100);
  expect(new Set(own.map(([, offset]) => offset)).size).toBe(own.length);
  for (let from = 0; from < own.length; from += 500) {
    const part = own.slice(from, from + 500);
    const events = part.map(([key]) => eventOf(key.slice(prefix.length)));
    const { results } = await device.post(events);
    expect(results).toEqual(
      part.map(([key, offset]) => ({ id: key.slice(prefix.length), duplicate: true, offset })),
    );
  }
}
