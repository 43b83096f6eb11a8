import { z } from "zod";
import { LIMITS } from "../core/limits.ts";
import { ANSWERS, DeadLetterPage } from "./answers.ts";
import { BODIES } from "./bodies.ts";
import { answer, answerOf, json } from "./content.ts";
import type { Operation } from "./operation.ts";
import { limitParameter } from "./parameters.ts";

const WEBHOOKS: readonly Operation[] = [
  {
    method: "GET",
    path: "/v1/webhooks",
    id: "listWebhooks",
    tag: "operating",
    summary: "The webhooks, and how they are",
    access: "backend",
    answers: { 200: answerOf("All of them.", { webhooks: z.array(ANSWERS.Webhook) }) },
  },
  {
    method: "GET",
    path: "/v1/webhooks/dead",
    id: "listDeadLetters",
    tag: "operating",
    summary: "Events that could not be delivered, by when they were given up",
    access: "backend",
    parameters: [
      {
        name: "endpoint",
        in: "query",
        schema: z.string(),
        description: "Only those of the webhook of this name.",
      },
      {
        name: "after",
        in: "query",
        schema: z.string(),
        description: "The `next` of the page before.",
      },
      limitParameter(LIMITS.deadLettersPerPage, 20),
    ],
    answers: { 200: answer("A page of them.", DeadLetterPage) },
    refusals: { 400: ["query_invalid"], 404: ["webhook_unknown"] },
  },
  {
    method: "POST",
    path: "/v1/webhooks/dead/replay",
    id: "replayDeadLetters",
    tag: "operating",
    summary: "Deliver after all: one event, or those of a webhook",
    description: `Without an id it is ${LIMITS.deadLettersPerPage} at a time. A webhook that was disabled is asked again.`,
    access: "backend",
    body: json("Which.", BODIES.ReplayBody),
    answers: {
      200: answerOf("They wait for delivery again.", {
        endpoint: z.string(),
        replayed: z.int().min(0).describe("How many"),
        more: z.boolean().describe("The webhook has further ones: ask again"),
      }),
    },
    refusals: {
      400: ["replay_invalid"],
      404: ["webhook_unknown", "dead_letter_unknown"],
      429: ["outbox_full"],
    },
  },
];

const HEALTH: readonly Operation[] = [
  {
    method: "GET",
    path: "/healthz",
    id: "getHealth",
    tag: "operating",
    summary: "The process runs",
    access: "anyone",
    answers: {
      200: answerOf("It does.", {
        status: z.literal("ok"),
        certificate: z
          .literal("awaited")
          .optional()
          .describe(
            "Nobody can come in by TLS: the authority of `acme` has not given a certificate yet, and the log says why",
          ),
      }),
    },
  },
  {
    method: "GET",
    path: "/readyz",
    id: "getReadiness",
    tag: "operating",
    summary: "The server can take posts",
    access: "anyone",
    answers: { 200: answerOf("It can.", { status: z.literal("ready") }) },
    refusals: { 503: ["draining", "store_failed"], 507: ["store_full"] },
  },
];

const METRICS: Operation = {
  method: "GET",
  path: "/metrics",
  id: "getMetrics",
  tag: "operating",
  summary: "Figures for Prometheus",
  description:
    "Open to a key of `metrics.keys` as a bearer credential, to the machine itself unless `metrics.local` is off, and to everyone where `metrics.public` is on.",
  access: "anyone",
  answers: {
    200: {
      description: "The figures, in the text format of Prometheus 0.0.4.",
      media: { "text/plain": z.string() },
    },
  },
  refusals: { 401: ["metrics_key_wrong"], 403: ["metrics_denied"] },
};

const DOCUMENT: Operation = {
  method: "GET",
  path: "/openapi.json",
  id: "getOpenApi",
  tag: "operating",
  summary: "This document",
  access: "anyone",
  parameters: [
    {
      name: "If-None-Match",
      in: "header",
      schema: z.string(),
      description: "The ETag of the document that the asker has.",
    },
  ],
  answers: {
    200: {
      ...json("The document.", z.looseObject({ openapi: z.string() })),
      headers: { ETag: "Names this document." },
    },
    304: { description: "The asker has it.", headers: { ETag: "Names this document." } },
  },
};

/** What an operator asks. */
export const OPERATING_OPERATIONS: readonly Operation[] = [
  ...WEBHOOKS,
  ...HEALTH,
  METRICS,
  DOCUMENT,
];
