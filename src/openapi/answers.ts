import { z } from "zod";
import { FAULT_CODES } from "../core/faults.ts";
import { OWN_EVENT_TYPES } from "../core/own-event.ts";

/** A moment of the server's clock. */
const Millis = z.int().describe("Milliseconds since 1970");
const Count = z.int().min(0);
const AnyObject = z.record(z.string(), z.unknown());
const DeviceId = z.string().meta({ examples: ["kiosk-7"] });
const Patterns = z.array(z.string()).meta({ examples: [["open", "light.*"]] });
const Next = z
  .string()
  .describe("Leads to the page that follows; absent on the last one")
  .optional();

export const ServerTime = Millis.meta({ examples: [1767225600000] });

/** The same with the time of the answer, which most answers end with. */
export function timed(schema: z.ZodType): z.ZodType {
  return z.intersection(schema, z.strictObject({ server_time: ServerTime }));
}

const CODES: ReadonlySet<string> = new Set([...FAULT_CODES, "internal"]);

const Refusal = z.strictObject({
  // As text to whoever reads the document: a program with a closed list would break over a new code.
  code: z
    .string()
    .refine((code) => CODES.has(code), "wanted the code of a fault")
    .describe("For programs. Stable; new ones may be added"),
  message: z.string().describe("For people"),
});

const EventResult = z
  .union([
    z.strictObject({
      id: z.string(),
      offset: Count.min(1).describe("Its place in the channel of the device"),
      duplicate: z.literal(true).describe("It was stored before, at this place").optional(),
    }),
    z.strictObject({
      id: z.string().describe("Where the event had one that can be read").optional(),
      error: Refusal.describe("It was not stored, and never will be as it is"),
    }),
  ])
  .describe("What became of one event");

/** What every refusal looks like (RFC 9457). */
const Problem = z.strictObject({
  type: z.literal("about:blank"),
  title: z.string().describe("What could not be done, for people"),
  status: z.int(),
  code: Refusal.shape.code,
  detail: z.string().describe("What was found and what was wanted, for people").optional(),
  server_time: ServerTime,
  results: z
    .array(EventResult)
    .describe("Where events were posted: what became of those before the request was given up")
    .optional(),
});

const Delta = AnyObject.meta({
  description: "Merge patch (RFC 7396) that makes what the device reported what is desired",
  examples: [{ brightness: 80 }],
});

const StateOffer = z
  .strictObject({
    delta: Delta,
    desired_version: Count.describe("The version that it leads to"),
  })
  .describe("What the device is to change about itself, and then to report");

const Delivery = z
  .strictObject({
    id: z.string(),
    type: z.string(),
    data: z.unknown(),
    attempt: z
      .int()
      .min(1)
      .describe("Deliveries begun, this one included; above 1 the device may have seen it"),
    expires_at: Millis.describe("Until when it can be acknowledged; milliseconds since 1970"),
    traceparent: z
      .string()
      .describe("The trace of the request that sent it (W3C Trace Context), where that had one")
      .optional(),
  })
  .describe("A command as its device gets it");

const Status = z
  .enum(["queued", "leased", "acked", "done", "failed", "expired", "canceled"])
  .describe(
    "queued → leased → acked → done or failed; expired or canceled on the way. A lease that ends without an answer leads back to queued",
  );

const CommandResult = z.discriminatedUnion("ok", [
  z.strictObject({ ok: z.literal(true), data: z.unknown().optional() }),
  z.strictObject({
    ok: z.literal(false),
    error: z.strictObject({
      code: z
        .string()
        .describe(
          "The device's own; `result_missing` where none came in time, `attempts_exhausted` where it never acknowledged it",
        ),
      message: z.string(),
    }),
  }),
]);

const Command = z
  .strictObject({
    id: z.string(),
    device: DeviceId,
    type: z.string(),
    status: Status,
    attempt: Count.describe("Deliveries begun; 0 is that the device has never seen it"),
    max_attempts: Count.describe("As its sender said").optional(),
    priority: Count,
    sender: z.discriminatedUnion("kind", [
      z.strictObject({ kind: z.literal("backend") }),
      z.strictObject({ kind: z.literal("user"), user: z.string() }),
    ]),
    key: z.string().optional(),
    created_at: Millis,
    expires_at: Millis,
    finished_at: Millis.optional(),
    data: z.unknown(),
    result: CommandResult.describe("How it ended; only where it is done or failed").optional(),
  })
  .describe("A command as its sender sees it");

const CommandStatus = z.strictObject({ id: z.string(), status: Status });

const CommandPage = z.strictObject({
  commands: z.array(Command),
  next: Next,
});

const Poll = z.strictObject({
  commands: z.array(Delivery),
  cursor: z.string().describe("Sent back with the next poll, it acknowledges all these commands"),
  state: StateOffer.optional(),
});

const Device = z
  .strictObject({
    id: DeviceId,
    name: z.string(),
    meta: AnyObject,
    enrollment: z
      .enum(["closed", "fresh", "open"])
      .describe(
        "Whether a terminal with the fleet's key may get a secret of the device. fresh: it enrolled and has not used its secret yet; open: the backend lets it",
      ),
    online: z.boolean(),
    online_changed_at: Millis.optional(),
    last_seen_at: Millis.optional(),
    address: z.string().describe("From which it was heard of last").optional(),
    app_version: z.string().describe("What its X-App-Version header said last").optional(),
    push_provider: z.string().describe("Who can wake it").optional(),
    created_at: Millis,
  })
  .describe("A device on record");

const Secret = z.string().describe("Shown this once; only its hash is kept");

const NewDeviceSecret = z.strictObject({ id: DeviceId, secret: Secret });

const State = z
  .strictObject({
    device: DeviceId,
    reported: AnyObject.describe("What the device says it is"),
    desired: AnyObject.describe("What the backend or a client wants it to be"),
    reported_version: Count,
    desired_version: Count,
    delta: Delta.optional(),
  })
  .describe("Both sides of a device's state");

const Binding = z.strictObject({
  user: z.string().meta({ examples: ["anna"] }),
  device: DeviceId,
  commands: Patterns,
});

const Webhook = z.strictObject({
  name: z.string(),
  url: z.string().describe("Without its query, which may hold secrets"),
  events: z.array(z.string()).describe("Patterns of event types"),
  disabled: z.boolean(),
  why: z.string().describe("Why it is disabled").optional(),
  waiting: Count.describe("Events that wait for it"),
  dead: Count.describe("Events that nobody will try again"),
});

const DeadLetter = z
  .strictObject({
    endpoint: z.string(),
    id: z.string(),
    type: z.string().meta({ examples: [OWN_EVENT_TYPES[0]] }),
    device: DeviceId,
    created_at: Millis,
    died_at: Millis,
    attempts: Count,
    why: z.string().describe('Completes the sentence "it …"'),
    body: z.unknown().describe("What was posted, byte for byte"),
  })
  .describe("An event that could not be delivered to a webhook");

const Ticket = z.strictObject({
  ticket: z.string().describe("Lets one client in, once"),
  url: z.string().meta({
    description: "Where to connect: the ticket is in it",
    examples: ["wss://push.example.com/login?ticket=…"],
  }),
  expires_in: z.int().min(1).describe("Seconds until the ticket cannot be used any more"),
});

const SessionTicket = Ticket.extend({
  user: z.string(),
  session_expires_in: Count.describe("Seconds until the user has to log in again"),
});

const LoginAnswer = SessionTicket.extend({
  session: z.string().describe("Gives further tickets: POST /v1/login/session"),
});

/** What routes answer, by the name under which the document shows it. */
export const ANSWERS = {
  Problem,
  EventResult,
  StateOffer,
  Delivery,
  Poll,
  CommandResult,
  Command,
  CommandStatus,
  CommandPage,
  Device,
  NewDeviceSecret,
  State,
  Binding,
  Webhook,
  DeadLetter,
  Ticket,
  SessionTicket,
  LoginAnswer,
} as const;

export const DevicePage = z.strictObject({ devices: z.array(Device), next: Next });
export const DeadLetterPage = z.strictObject({ dead: z.array(DeadLetter), next: Next });
export const AddedDevice = z.intersection(z.strictObject({ secret: Secret }), Device);
