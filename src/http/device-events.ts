import type { Context } from "hono";
import type { EventResult } from "../core/device-events.ts";
import { type DeviceId, parseDeviceId } from "../core/device-id.ts";
import { Fault } from "../core/faults.ts";
import {
  type DecodedEvent,
  decodeEventBody,
  type EventBodyForm,
  parseEventId,
} from "../protocol/event-body.ts";
import type { AppServices } from "./app.ts";
import type { App } from "./app-env.ts";
import { bearerOf } from "./bearer.ts";
import { readBodyText } from "./request-body.ts";

type Services = Pick<AppServices, "devices" | "deviceEvents" | "limits" | "clock" | "log">;

/** `POST /v1/devices/{id}/events`: what a device posts is stored, then delivered and answered. */
export function bindDeviceEvents(app: App, services: Services): void {
  app.post("/v1/devices/:id/events", async (c) => {
    const device = await authenticatedDevice(c, services);
    const text = await readBodyText(c.req.raw, services.limits, services.clock);
    const { single, events } = decodeEventBody(text, formOf(c), services.limits);
    const results = await postAll(device, withKeys(events, c), services);
    const [only] = results;
    if (single && only instanceof Fault) throw only;
    services.log.info("device.posted", summary(device, results, text));
    return c.json({ results: results.map(resultJson), server_time: services.clock.nowMs() });
  });
}

async function authenticatedDevice(c: Context, { devices, log }: Services): Promise<DeviceId> {
  const id = parseDeviceId(c.req.param("id") ?? "");
  const secret = bearerOf(c.req.header("authorization"));
  if (secret === undefined) {
    throw new Fault("secret_missing", {
      detail: "wanted the header Authorization: Bearer <secret>",
    });
  }
  try {
    await devices.authenticate(id, secret);
  } catch (error) {
    if (error instanceof Fault) log.info("device.refused", { device: id, code: error.code });
    throw error;
  }
  return id;
}

function formOf(c: Context): EventBodyForm {
  const type = c.req.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  return type === "application/x-ndjson" || type === "application/jsonl" ? "ndjson" : "json";
}

/** The header names the events of a post whose events have no ids: the whole post can be repeated. */
function withKeys(events: readonly DecodedEvent[], c: Context): readonly DecodedEvent[] {
  const key = c.req.header("idempotency-key")?.replace(/^"(.*)"$/, "$1");
  if (key === undefined || key === "") return events;
  return events.map((event, index) =>
    event instanceof Fault || event.id !== undefined
      ? event
      : { ...event, id: parseEventId(events.length === 1 ? key : `${key}:${index}`) },
  );
}

/** In order: a device's events keep the order in which it lists them. */
function postAll(
  device: DeviceId,
  events: readonly DecodedEvent[],
  { deviceEvents }: Services,
): Promise<(EventResult | Fault)[]> {
  return Promise.all(
    events.map(async (event) => {
      if (event instanceof Fault) return event;
      try {
        return await deviceEvents.post(device, event);
      } catch (error) {
        // A refusal concerns one event; a store that fails concerns the post.
        if (error instanceof Fault && error.kind !== "unavailable") return error;
        throw error;
      }
    }),
  );
}

function resultJson(result: EventResult | Fault): Record<string, unknown> {
  if (result instanceof Fault) return { error: { code: result.code, message: result.message } };
  const { id, offset, duplicate } = result;
  return duplicate ? { id, duplicate, offset } : { id, offset };
}

function summary(device: DeviceId, results: readonly (EventResult | Fault)[], text: string) {
  const stored = results.filter((it) => !(it instanceof Fault) && !it.duplicate).length;
  const refused = results.filter((it) => it instanceof Fault).length;
  const duplicates = results.length - stored - refused;
  return {
    device,
    stored,
    ...(duplicates > 0 && { duplicates }),
    ...(refused > 0 && { refused }),
    chars: text.length,
  };
}
