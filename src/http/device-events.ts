import type { Context } from "hono";
import type { DeviceEvents, EventPost } from "../core/device-events.ts";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import { decodeEventBody, parseEventKey } from "../protocol/event-body.ts";
import type { App } from "./app-env.ts";
import type { CallerPaces } from "./caller-paces.ts";
import { authenticatedDevice, type DeviceAuthServices } from "./device-auth.ts";
import { type EventLinesLimits, storeEventLines } from "./event-lines.ts";
import { EventReport } from "./event-report.ts";
import { readBodyText } from "./request-body.ts";
import { traceOf } from "./trace-headers.ts";

/** What posting needs. */
export interface DeviceEventsServices extends DeviceAuthServices {
  readonly paces: Pick<CallerPaces, "checkFailures" | "checkPost">;
  readonly deviceEvents: DeviceEvents;
  readonly limits: EventLinesLimits;
  readonly clock: Clock;
}

const LINE_TYPES: ReadonlySet<string> = new Set(["application/x-ndjson", "application/jsonl"]);

/** `POST /v1/devices/{id}/events`: what a device posts is stored, then delivered and answered. */
export function bindDeviceEvents(app: App, services: DeviceEventsServices): void {
  const { deviceEvents, paces, limits, clock } = services;
  app.post("/v1/devices/:id/events", async (c) => {
    const device = await authenticatedDevice(c, services);
    paces.checkPost(device);
    const key = keyOf(c);
    const trace = traceOf(c.req);
    const report = new EventReport(services);
    const begin = (lastPlace: number): EventPost =>
      deviceEvents.begin(device, { key: key && parseEventKey(key, lastPlace), trace });
    if (isLines(c)) {
      const post = begin(LIMITS.eventsPerNdjson - 1);
      const refusal = await storeEventLines(c.req.raw, { post, report, limits, clock });
      return report.answer(device, refusal);
    }
    const text = await readBodyText(c.req.raw, limits, clock);
    const { single, events } = decodeEventBody(text, limits);
    const { outcomes, refusal } = await begin(events.length - 1).store(events, "last");
    const [only] = outcomes;
    if (single && only instanceof Fault) throw only;
    report.add(outcomes, text.length);
    return report.answer(device, refusal);
  });
}

function isLines(c: Context): boolean {
  const type = c.req.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  return LINE_TYPES.has(type);
}

/** The header's key; its quotes are those of a structured field and no part of it. */
function keyOf(c: Context): string | undefined {
  const key = c.req.header("idempotency-key")?.replace(/^"(.*)"$/, "$1");
  return key === "" ? undefined : key;
}
