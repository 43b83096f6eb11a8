import { z } from "zod";
import { LIMITS } from "../core/limits.ts";
import { ANSWERS } from "./answers.ts";
import { BODIES, StatePatchBody } from "./bodies.ts";
import { answer, answerOf, DONE, json } from "./content.ts";
import type { Operation } from "./operation.ts";

const EventLines = z.string().meta({
  description: `One event per line. The body is stored in parts: at most ${LIMITS.ndjsonMaxBytes} bytes unpacked and ${LIMITS.eventsPerNdjson} events, unless the server is configured otherwise`,
  examples: ['{"id":"e-3","type":"sold"}\n{"id":"e-4","type":"sold"}\n'],
});

const EventsBody = z.union([
  BODIES.EventBody,
  z.array(BODIES.EventBody).min(1).max(LIMITS.eventsPerPost),
]);

/** What a terminal asks for beside its commands. */
export const DEVICE_OPERATIONS: readonly Operation[] = [
  {
    method: "POST",
    path: "/v1/devices/:id/events",
    id: "postEvents",
    tag: "devices",
    summary: "Post one event, a list, or one per line",
    description:
      "Answered when the events are stored. What arrives is published on the channel of the device and delivered to the webhooks that want it. An event with an `id`, or a request with an `Idempotency-Key`, can be sent again for 24 hours without being stored twice.\n\nA list and lines have a result for each event in its place: a bad one does not hold up the others. A single event that is refused is a problem.",
    access: "device",
    parameters: [
      {
        name: "Idempotency-Key",
        in: "header",
        schema: z
          .string()
          .min(1)
          .max(LIMITS.eventIdMaxChars)
          .meta({ examples: ["boot-17-batch-4"] }),
        description:
          "Names the events of this request that have no id. The same request under the same key is stored once; while the first is being stored the second is `key_in_flight`.",
      },
    ],
    body: {
      description: "The events.",
      media: {
        "application/json": EventsBody,
        "application/x-ndjson": EventLines,
        "application/jsonl": EventLines,
      },
    },
    answers: {
      200: answerOf("What became of each event, in its place.", {
        results: z.array(ANSWERS.EventResult),
      }),
    },
    refusals: {
      400: ["event_invalid"],
      403: ["event_type_reserved"],
      409: ["key_in_flight"],
      422: ["event_id_reused"],
    },
  },
  {
    method: "GET",
    path: "/v1/devices/:id/state",
    id: "getState",
    tag: "devices",
    summary: "Both sides of the device's state",
    description: "The device may ask with its secret, the backend with its API key.",
    access: "either",
    answers: { 200: stateAnswer("The state.") },
    refusals: { 404: ["device_unknown"] },
  },
  {
    method: "PATCH",
    path: "/v1/devices/:id/state",
    id: "patchState",
    tag: "devices",
    summary: "Say how the device is, or how it should be",
    description:
      "From the device it changes what is reported, from the backend what is desired. What the device still has to follow is offered with its next poll, or down its open stream.",
    access: "either",
    parameters: [
      {
        name: "If-Match",
        in: "header",
        schema: z.string().meta({ examples: ['"3"'] }),
        description: "Only where the asker's own side still has this version, as the ETag said it.",
      },
    ],
    body: json("What changed.", StatePatchBody),
    answers: { 200: stateAnswer("The state as it is now.") },
    refusals: {
      400: ["state_invalid"],
      404: ["device_unknown"],
      412: ["state_conflict"],
      413: ["state_too_large"],
    },
  },
  {
    method: "PUT",
    path: "/v1/devices/:id/push",
    id: "setPushTarget",
    tag: "devices",
    summary: "Say by what the device can be woken",
    description:
      "A command that finds nobody listening makes the provider wake the device, which then polls. The push never carries the command.",
    access: "device",
    body: json("Which provider, and who the device is to it.", BODIES.PushBody),
    answers: { 204: DONE },
    refusals: { 400: ["push_invalid"] },
  },
  {
    method: "DELETE",
    path: "/v1/devices/:id/push",
    id: "removePushTarget",
    tag: "devices",
    summary: "The device cannot be woken any more",
    access: "device",
    answers: { 204: DONE },
  },
  {
    method: "POST",
    path: "/v1/enroll",
    id: "enroll",
    tag: "devices",
    summary: "Get a secret, with the fleet's key",
    description:
      "For a terminal on its first boot. The same device may ask again until it has used its secret; after that it needs the backend's leave (`PATCH /v1/devices/{id}` with `enroll`).",
    access: "fleet",
    body: json(`Who it is. At most ${LIMITS.enrollBodyMaxBytes} bytes.`, BODIES.EnrollBody),
    answers: { 201: answer("The secret, which is shown this once.", ANSWERS.NewDeviceSecret) },
    refusals: {
      400: ["device_invalid", "device_malformed", "device_name_malformed", "device_meta_invalid"],
      403: ["enrollment_unavailable"],
      409: ["device_enrolled", "devices_full"],
      413: ["device_meta_too_large"],
      429: ["enrollment_rate_exceeded"],
    },
  },
];

function stateAnswer(description: string) {
  const headers = { ETag: "The version of the asker's own side, in quotes, for `If-Match`." };
  return { ...answer(description, ANSWERS.State), headers };
}
