import { describe, expect, test } from "bun:test";
import { enqueueCommand, parseCommandId } from "../../../src/core/command.ts";
import { encodeResult } from "../../../src/core/command-result.ts";
import { commandEvent } from "../../../src/core/command-text.ts";
import { parseDeviceId } from "../../../src/core/device-id.ts";
import { emptyState } from "../../../src/core/device-state.ts";
import { stateEvent } from "../../../src/core/device-state-text.ts";
import { encodeOwnEvent, OWN_EVENT_TYPES, type OwnEvent } from "../../../src/core/own-event.ts";
import { presenceEvent } from "../../../src/core/presence-event.ts";
import { webhookEntries } from "../../../src/core/webhook-entries.ts";
import { openApiDocument } from "../../../src/openapi/document.ts";
import { WEBHOOK_BODIES } from "../../../src/openapi/webhooks.ts";

const NOW = Date.UTC(2026, 0, 1);
const device = parseDeviceId("kiosk-7");

const COMMAND = enqueueCommand(
  { device, type: "open", data: '{"n":1.0}', sender: { kind: "user", user: "anna" }, key: "k" },
  { id: parseCommandId("c-1"), nowMs: NOW },
);
const ENDED = { ...COMMAND, attempt: 1, finishedAtMs: NOW };
const DONE = encodeResult({ ok: true, data: "7" }).text;
const FAILED = encodeResult({ ok: false, error: { code: "jam", message: "Stuck" } }).text;

const presence = { device, generation: 1, atMs: NOW, reason: "held" } as const;

const EVENTS: readonly OwnEvent[] = [
  presenceEvent({ ...presence, online: true }),
  presenceEvent({ ...presence, online: false }),
  stateEvent(emptyState(device), "desired", NOW),
  ...[
    COMMAND,
    { ...COMMAND, status: "leased", attempt: 1, maxAttempts: 2 } as const,
    { ...COMMAND, status: "acked", attempt: 1 } as const,
    { ...ENDED, status: "done", result: DONE } as const,
    { ...ENDED, status: "failed", result: FAILED } as const,
    { ...ENDED, status: "expired" } as const,
    { ...ENDED, status: "canceled" } as const,
  ].map((record) => commandEvent(record, NOW)),
];

function bodyOf(event: OwnEvent): unknown {
  const told = { ...event, data: event.backendData ?? event.data };
  const [entry] = webhookEntries({ ...event, data: encodeOwnEvent(told) }, ["shop"]);
  return JSON.parse(entry?.body ?? "");
}

describe("the document's webhooks", () => {
  test.each(EVENTS.map((event) => [event.type, event] as const))("describe %s", (type, event) => {
    const parsed = WEBHOOK_BODIES[type]?.safeParse(bodyOf(event));
    expect(parsed?.error?.issues).toBeUndefined();
    expect(parsed?.success).toBe(true);
  });

  test("describe every type of Posthorn's own, what devices post and wake-ups", () => {
    expect(EVENTS.map(({ type }) => type)).toEqual([...OWN_EVENT_TYPES]);
    const { webhooks } = openApiDocument([], "1.2.3");
    const names = ["device-event", ...OWN_EVENT_TYPES, "device.wake"];
    expect(Object.keys(webhooks as object)).toEqual(names);
    expect(Object.keys(WEBHOOK_BODIES)).toEqual(names);
  });

  test("describe what a device posted, with a time of its own", () => {
    const data = { id: "e-1", type: "sold", device, time: "2026-01-01", data: { slot: 4 } };
    const body = { type: "sold", timestamp: "2026-01-01T00:00:00.000Z", data };
    expect(WEBHOOK_BODIES["device-event"]?.safeParse(body).success).toBe(true);
  });

  test("say by which headers a delivery is signed", () => {
    const text = JSON.stringify(openApiDocument([], "1.2.3")["webhooks"]);
    for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"]) {
      expect(text.match(new RegExp(`"name":"${name}"`, "g"))).toHaveLength(12);
    }
  });
});
