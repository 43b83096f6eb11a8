import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { CentrifugeClient } from "../support/centrifuge-client.ts";
import { FakeWebhookReceiver, WEBHOOK_SECRET } from "../support/fake-webhook-receiver.ts";
import { Fleet } from "../support/fleet.ts";
import { within } from "../support/inbox.ts";
import { BLACK_BOX_TIMEOUT_MS, TARGETS } from "../support/targets.ts";
import { signToken } from "../support/tokens.ts";

setDefaultTimeout(BLACK_BOX_TIMEOUT_MS);

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT = `00-${TRACE_ID}-00f067aa0ba902b7-01`;
const TRACED = { traceparent: TRACEPARENT, tracestate: "vendor=1" };

describe.each(TARGETS)("traces through $name", (target) => {
  test("go from a post, a command and a publication to clients, the device and the webhook", async () => {
    await using receiver = new FakeWebhookReceiver();
    const events = ["sold", "command.*"];
    await using fleet = await Fleet.start(target, {
      webhooks: { erp: { url: receiver.url, secret: WEBHOOK_SECRET, events } },
      channels: { default: { allow_subscribe: true } },
    });
    const device = await fleet.addDevice("till-1");
    using client = new CentrifugeClient(fleet.server.wsUrl, {
      token: signToken({ sub: "anna", devices: ["till-1"] }),
    });
    client.connect();
    await client.subscribe(device.channel);
    const tagsOf = async (type: string) => {
      const options = { what: `the event ${type}` };
      const found = await client.publications.find(({ data }) => data.type === type, options);
      return found.tags;
    };

    await device.ask("POST", "/events", { body: { type: "sold", data: 1 }, headers: TRACED });
    expect(await tagsOf("sold")).toEqual({ traceparent: TRACEPARENT });

    await fleet.api("POST", "/v1/devices/till-1/commands", {
      body: { type: "ring" },
      headers: TRACED,
    });
    expect(await tagsOf("command.queued")).toEqual({ traceparent: TRACEPARENT });
    const polled = await device.ask("GET", "/commands?wait=0");
    expect(polled.body["commands"]).toMatchObject([{ type: "ring", traceparent: TRACEPARENT }]);
    expect(await tagsOf("command.sent")).toEqual({ traceparent: TRACEPARENT });

    await within(receiver.until(3), "three deliveries");
    expect(receiver.traces).toEqual([TRACED, TRACED, TRACED]);

    const publication = { channel: "news", data: { type: "told" }, tags: { kind: "a" } };
    await client.subscribe("news");
    await fleet.api("POST", "/api/publish", { body: publication, headers: TRACED });
    expect(await tagsOf("told")).toEqual({ kind: "a", traceparent: TRACEPARENT });
  });

  test("are not made up: what brings none, or a malformed one, has none", async () => {
    await using receiver = new FakeWebhookReceiver();
    await using fleet = await Fleet.start(target, {
      webhooks: { erp: { url: receiver.url, secret: WEBHOOK_SECRET, events: ["sold"] } },
    });
    const device = await fleet.addDevice("till-1");
    const body = { type: "sold", data: 1 };
    await device.ask("POST", "/events", { body });
    const headers = { traceparent: "00-nonsense", tracestate: "vendor=1" };
    expect((await device.ask("POST", "/events", { body, headers })).status).toBe(200);
    await within(receiver.until(2), "two deliveries");
    const none = { traceparent: null, tracestate: null };
    expect(receiver.traces).toEqual([none, none]);
  });

  test("a line of the log about a traced request names its trace", async () => {
    await using fleet = await Fleet.start(target);
    const device = await fleet.addDevice("till-1");
    await device.ask("POST", "/events", { body: { type: "device.x", data: 1 }, headers: TRACED });
    const refused = await fleet.server.waitForLog("http.refused");
    expect(refused).toMatchObject({ code: "event_type_reserved", trace_id: TRACE_ID });
    await device.ask("POST", "/events", { body: { type: "command.x", data: 1 } });
    const untraced = await fleet.server.waitForLog("http.refused", (line) => line !== refused);
    expect(untraced["trace_id"]).toBeUndefined();
  });
});
