import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { Device } from "../support/device.ts";
import { FakeJPush } from "../support/fake-jpush.ts";
import { FakeWebhookReceiver, WEBHOOK_SECRET } from "../support/fake-webhook-receiver.ts";
import { eventually } from "../support/inbox.ts";
import { ReloadingServer } from "../support/reloading-server.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const TOKEN = "18071adc030dcba91c0";
const EVENTS = ["reading", "command.queued"];

describe.each(TARGETS)("SIGHUP at $name", (target) => {
  test("brings a webhook, and takes it away while a delivery is under way", async () => {
    await using receiver = new FakeWebhookReceiver();
    await using it = await ReloadingServer.start(target);
    const device = await it.device("door");
    const shop = { url: receiver.url, secret: WEBHOOK_SECRET, events: EVENTS };
    await post(device, "before it came");
    expect((await it.reload({ webhooks: { shop } }))["changed"]).toEqual(["webhooks.shop"]);
    await post(device, "first");
    // The store itself tells of what becomes of a command.
    await it.backend().post("/v1/devices/door/commands", '{"type":"open"}');
    await receiver.until(2);

    const held = Promise.withResolvers<Response>();
    receiver.answers = [() => held.promise];
    await post(device, "under way");
    await receiver.until(3);
    await post(device, "behind it");
    await it.reload();
    await post(device, "after it went");
    expect((await it.backend().get("/v1/webhooks")).text).toContain('"webhooks":[]');
    held.resolve(new Response(null, { status: 204 }));

    // What waited when it went is delivered when it is back, and what was under way is not told again.
    await it.reload({ webhooks: { shop } });
    await receiver.until(4);
    await post(device, "last");
    await receiver.until(5);
    const told = receiver.received.map(({ body }) => JSON.parse(body));
    expect(told.map(({ type, data }) => (type === "reading" ? data.data : type))).toEqual([
      "first",
      "command.queued",
      "under way",
      "behind it",
      "last",
    ]);
  });

  test("brings a push provider, which wakes devices from then on", async () => {
    await using jpush = new FakeJPush();
    jpush.devices.add(TOKEN);
    await using it = await ReloadingServer.start(target);
    const device = await it.device("sleeper");
    const register = () =>
      fetch(`${it.server.url}/v1/devices/sleeper/push`, {
        method: "PUT",
        headers: { authorization: `Bearer ${device.secret}`, "content-type": "application/json" },
        body: JSON.stringify({ provider: "jpush", token: TOKEN }),
      });
    expect((await register()).status).toBe(400);
    const { appKey, secret, url } = jpush.settings;
    const push = { jpush: { provider: "jpush", url, app_key: appKey, secret } };
    expect((await it.reload({ push }))["changed"]).toEqual(["push.jpush"]);
    expect((await register()).status).toBe(204);
    await it.backend().post("/v1/devices/sleeper/commands", '{"type":"open"}');
    const { token } = await eventually(() => jpush.delivered[0], "the wake-up");
    expect(token).toBe(TOKEN);
  });

  test("changes how much of a device's channel is kept, by the store's own events, too", async () => {
    await using it = await ReloadingServer.start(target);
    await it.device("door");
    await it.reload({ channels: { device: { history_size: 2 } } });
    for (const n of [1, 2, 3, 4]) {
      await it.backend().post("/v1/devices/door/commands", JSON.stringify({ type: `n${n}` }));
    }
    const history = { channel: "device:door", limit: 100 };
    const { publications } = await it
      .backend()
      .result<{ publications: readonly unknown[] }>("history", history);
    expect(publications).toHaveLength(2);
  });
});

async function post(device: Device, data: string): Promise<void> {
  const { status } = await device.post({ type: "reading", data });
  expect(status).toBe(200);
}
