import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { BACKEND_KEY, Backend } from "../support/backend.ts";
import { addDevice } from "../support/cli.ts";
import { Device } from "../support/device.ts";
import { FakeWebhookReceiver, WEBHOOK_SECRET } from "../support/fake-webhook-receiver.ts";
import { Fleet } from "../support/fleet.ts";
import { eventually, within } from "../support/inbox.ts";
import { startPosthorn } from "../support/posthorn.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { Workspace } from "../support/workspace.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

interface Told {
  readonly type: string;
  readonly timestamp: string;
  readonly data: { readonly id: string; readonly device: string; readonly data: unknown };
}

function configFor(receiver: FakeWebhookReceiver, events: readonly string[]) {
  return {
    api: { keys: [BACKEND_KEY] },
    webhooks: { backend: { url: receiver.url, secret: WEBHOOK_SECRET, events } },
  };
}

function toldTo({ received }: FakeWebhookReceiver): readonly Told[] {
  return received.map(({ body }) => JSON.parse(body));
}

describe.each(TARGETS)("the webhooks of $name", (target) => {
  test("tell the backend of what it asked for, signed, in order, and of nothing else", async () => {
    await using workspace = await Workspace.make();
    await using receiver = new FakeWebhookReceiver();
    const config = configFor(receiver, ["sold", "command.{queued,canceled}"]);
    await using server = await startPosthorn(target, { workspace, config });
    const device = new Device(server.url, await addDevice(target, workspace, "till-1"));
    await device.post([
      { id: "1", type: "sold", data: { cents: 250 } },
      { id: "2", type: "opened", data: null },
      { id: "3", type: "sold", data: { cents: 9007199254740993n.toString() } },
    ]);
    const backend = new Backend(server.url);
    const { text } = await backend.post("/v1/devices/till-1/commands", '{"type":"ring"}');
    await backend.send("DELETE", `/v1/devices/till-1/commands/${JSON.parse(text).id}`);
    await within(receiver.until(4), "four deliveries");
    expect(toldTo(receiver).map(({ type }) => type)).toEqual([
      "sold",
      "sold",
      "command.queued",
      "command.canceled",
    ]);
    expect(toldTo(receiver)[0]?.data).toMatchObject({
      id: "1",
      device: "till-1",
      data: { cents: 250 },
    });
    expect(receiver.forged).toBe(0);
    expect(await server.stop()).toBe(0);
    expect(receiver.received).toHaveLength(4);
  });

  test("lose nothing when the server is killed while the backend is in trouble", async () => {
    await using workspace = await Workspace.make();
    await using receiver = new FakeWebhookReceiver();
    const config = configFor(receiver, ["sold"]);
    const start = () => startPosthorn(target, { workspace, config });
    receiver.answers = [500];
    const credentials = await (async () => {
      await using server = await start();
      const added = await addDevice(target, workspace, "till-1");
      const device = new Device(server.url, added);
      await device.post([1, 2, 3].map((n) => ({ id: `e-${n}`, type: "sold", data: n })));
      await within(receiver.until(1), "the first attempt");
      await server.waitForLog("webhook.failed");
      await server.kill();
      return added;
    })();
    await using server = await start();
    await within(receiver.until(4), "the rest after the restart");
    expect(toldTo(receiver).map(({ data }) => data.data)).toEqual([1, 1, 2, 3]);
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(3);
    const { status } = await new Device(server.url, credentials).post({ type: "sold", data: 4 });
    expect(status).toBe(200);
  });

  test("tell of a device that came, and that it was gone when the server came back", async () => {
    await using receiver = new FakeWebhookReceiver();
    await using fleet = await Fleet.start(target, {
      ...configFor(receiver, ["device.o{n,ff}line"]),
      devices: { online_ttl: "1s", offline_grace: "1s" },
    });
    const till = await fleet.addDevice("till-1");
    using _stream = await till.stream();
    await within(receiver.until(1), "the news that it is online");
    // A delivery that was cut would be repeated first, when its lease is over.
    await untilSummary(fleet, { waiting: 0 });
    await fleet.killAndRestart();
    await within(receiver.until(2), "the news that it is offline");
    expect(toldTo(receiver)).toMatchObject([
      { type: "device.online", data: { device: "till-1", data: { generation: 1 } } },
      {
        type: "device.offline",
        data: { device: "till-1", data: { generation: 2, reason: "restarted" } },
      },
    ]);
    expect(receiver.forged).toBe(0);
  });

  test("leave an endpoint alone that answers 410, until somebody asks for more", async () => {
    await using receiver = new FakeWebhookReceiver();
    await using fleet = await Fleet.start(target, configFor(receiver, ["sold"]));
    const till = await fleet.addDevice("till-1");
    receiver.answers = [410];
    const sell = (n: number) =>
      till.ask("POST", "/events", { body: { id: `e-${n}`, type: "sold", data: n } });
    expect((await sell(1)).status).toBe(200);
    await untilSummary(fleet, { disabled: true, waiting: 1 });
    expect((await sell(2)).status).toBe(200);
    const replay = { body: { endpoint: "backend" } };
    expect((await fleet.api("POST", "/v1/webhooks/dead/replay", replay)).status).toBe(200);
    await untilSummary(fleet, { disabled: false, waiting: 0, dead: 0 });
    expect(toldTo(receiver).map(({ data }) => data.data)).toEqual([1, 1, 2]);
    const unknown = { body: { endpoint: "nobody" } };
    const refused = await fleet.api("POST", "/v1/webhooks/dead/replay", unknown);
    expect([refused.status, refused.body["code"]]).toEqual([404, "webhook_unknown"]);
  });

  test("never hold up a post, however long the backend takes", async () => {
    await using workspace = await Workspace.make();
    await using receiver = new FakeWebhookReceiver();
    const never = Promise.withResolvers<Response>();
    receiver.answers = Array.from({ length: 100 }, () => () => never.promise);
    const config = configFor(receiver, ["*"]);
    await using server = await startPosthorn(target, { workspace, config });
    const device = new Device(server.url, await addDevice(target, workspace, "till-1"));
    await device.post({ id: "first", type: "sold", data: 0 });
    await within(receiver.until(1), "the delivery that hangs");
    for (let n = 1; n <= 50; n += 1) {
      const { status } = await device.post({ id: `n-${n}`, type: "sold", data: n });
      expect(status).toBe(200);
    }
    never.resolve(new Response(null, { status: 204 }));
  });
});

/** Waits until the only webhook is summed up so. */
function untilSummary(fleet: Fleet, wanted: Readonly<Record<string, unknown>>): Promise<true> {
  return eventually(async () => {
    const { body } = await fleet.api("GET", "/v1/webhooks");
    const [summary] = body["webhooks"] as readonly Readonly<Record<string, unknown>>[];
    const isSo = Object.entries(wanted).every(([name, value]) => summary?.[name] === value);
    return isSo || undefined;
  }, JSON.stringify(wanted));
}
