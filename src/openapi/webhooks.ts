import { z } from "zod";
import type { CommandStatus } from "../core/command.ts";
import type { OwnEventType } from "../core/own-event.ts";
import { ANSWERS } from "./answers.ts";
import type { Json, SchemaBook } from "./schema-book.ts";

/** One request that Posthorn makes of a server of the operator's. */
interface Delivery {
  readonly id: string;
  readonly summary: string;
  readonly description: string;
  readonly body: z.ZodType;
}

const TELLS =
  "To every endpoint of `webhooks` whose patterns want the type. It comes at least once: the same delivery again has the same `webhook-id`. Any status from 200 to 299 takes it; 410 ends all deliveries to the endpoint, and what else is answered leads to a repetition, for about a day.";

const ID = z.string().describe("The same event has the same id wherever it is told");
const Time = z.int().describe("Milliseconds since 1970, as the server's clock has them");
const Timestamp = z.string().meta({ examples: ["2026-01-01T00:00:00.000Z"] });
const Version = z.int().min(0);

function delivered(type: z.ZodType, event: z.ZodRawShape) {
  const { device } = ANSWERS.Command.shape;
  const data = z.strictObject({ id: ID, type, device, time: Time, ...event });
  return z.strictObject({ type, timestamp: Timestamp, data });
}

function presenceBody(type: "device.online" | "device.offline") {
  return delivered(z.literal(type), {
    data: z.strictObject({
      online: z.literal(type === "device.online"),
      generation: z
        .int()
        .min(1)
        .describe("Counts up: whoever got a higher one of the device ignores this one"),
      reason: z.enum(["held", "posted", "released", "silent", "restarted"]),
    }),
  });
}

function commandBody(type: OwnEventType, status: CommandStatus) {
  const data = ANSWERS.Command.omit({ id: true, device: true, data: true }).extend({
    command: z.string().describe("Its id"),
    status: z.literal(status),
    data: z.unknown().describe("Told once, when the command is new").optional(),
  });
  return delivered(z.literal(type), { data });
}

const StateBody = delivered(z.literal("device.state"), {
  data: z.strictObject({
    changed: z.enum(["reported", "desired"]),
    reported: z.record(z.string(), z.unknown()),
    desired: z.record(z.string(), z.unknown()),
    reported_version: Version,
    desired_version: Version,
  }),
});

const OWN_BODIES = {
  "device.online": presenceBody("device.online"),
  "device.offline": presenceBody("device.offline"),
  "device.state": StateBody,
  "command.queued": commandBody("command.queued", "queued"),
  "command.sent": commandBody("command.sent", "leased"),
  "command.acked": commandBody("command.acked", "acked"),
  "command.done": commandBody("command.done", "done"),
  "command.failed": commandBody("command.failed", "failed"),
  "command.expired": commandBody("command.expired", "expired"),
  "command.canceled": commandBody("command.canceled", "canceled"),
} as const satisfies Record<OwnEventType, z.ZodType>;

const DeviceEventBody = delivered(z.string().meta({ examples: ["sold"] }), {
  time: z
    .union([z.number(), z.string()])
    .describe("As the device wrote it; the server's, in milliseconds, where it wrote none"),
  data: z.unknown().describe("As the device wrote it"),
});

const WakeBody = z.strictObject({
  type: z.literal("device.wake"),
  timestamp: Timestamp,
  data: z.strictObject({
    device: ANSWERS.Command.shape.device,
    token: z.string().describe("By what the device said that it can be woken"),
    hint: z
      .strictObject({
        t: z.literal("wake"),
        n: z.int().min(1).describe("Commands that wait for it"),
        cmd: z.string().describe("The id of the first").optional(),
      })
      .describe("To be handed to the device"),
  }),
});

/** What Posthorn posts, by the name under which the document has it. */
export const WEBHOOK_BODIES: Readonly<Record<string, z.ZodType>> = {
  "device-event": DeviceEventBody,
  ...OWN_BODIES,
  "device.wake": WakeBody,
};

/** The document's `webhooks`. */
export function webhookObjects(book: SchemaBook): Json {
  const own = Object.entries(OWN_BODIES).map(([type, body]) =>
    webhook(type, { ...deliveryOf(type), body }, book),
  );
  return Object.fromEntries([
    webhook("device-event", { ...DEVICE_EVENT, body: DeviceEventBody }, book),
    ...own,
    webhook("device.wake", { ...WAKE, body: WakeBody }, book),
  ]);
}

const DEVICE_EVENT = {
  id: "onDeviceEvent",
  summary: "A device posted an event",
  description: TELLS,
};

const WAKE = {
  id: "onDeviceWake",
  summary: "A device is to be woken",
  description:
    "To the webhook of `push`: commands wait for the device while it holds nothing open. A repetition has the same `webhook-id`. 410 says that the token will never work again.",
};

function deliveryOf(type: string) {
  const words = type.split(".").map((it) => it.charAt(0).toUpperCase() + it.slice(1));
  return { id: `on${words.join("")}`, summary: `Posthorn's event ${type}`, description: TELLS };
}

function webhook(name: string, delivery: Delivery, book: SchemaBook): readonly [string, Json] {
  const { id, summary, description, body } = delivery;
  const schema = book.show(body);
  const post = {
    operationId: id,
    tags: ["operating"],
    summary,
    description,
    parameters: [...SIGNATURE_HEADERS, ...TRACE_HEADERS],
    requestBody: { required: true, content: { "application/json": { schema } } },
    responses: {
      "2XX": { description: "It was taken." },
      410: { description: "Never again, please." },
      default: { description: "It was not taken." },
    },
  };
  return [name, { post }];
}

const SIGNATURE_HEADERS = [
  header("webhook-id", "Names the delivery. It is signed, and a repetition has the same."),
  header("webhook-timestamp", "Seconds since 1970 when this attempt was made. It is signed."),
  header(
    "webhook-signature",
    "`v1,` and the base64 of the HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>` under the endpoint's secret (Standard Webhooks).",
  ),
];

/** Where the request that set it off had them. */
const TRACE_HEADERS = [
  { ...header("traceparent", "The trace it belongs to (W3C Trace Context)."), required: false },
  { ...header("tracestate", "What else the sender said of the trace."), required: false },
];

function header(name: string, description: string) {
  return { name, in: "header", required: true, description, schema: { type: "string" } };
}
