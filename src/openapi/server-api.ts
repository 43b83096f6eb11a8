import { z } from "zod";
import { API_REQUESTS, type ApiMethod } from "../protocol/server-api.ts";
import { BatchBody } from "../protocol/server-api-envelope.ts";
import { json } from "./content.ts";
import type { Operation } from "./operation.ts";

const Nothing = z.strictObject({});
const Count = z.int().min(0);

const ApiError = z
  .strictObject({
    code: z.int().describe("Those of the Centrifugo server API"),
    message: z.string(),
    detail: z.string().describe("What was wrong with the request").optional(),
  })
  .describe("Why a call has no result");

const ClientInfo = z.strictObject({
  user: z.string(),
  client: z.string(),
  conn_info: z.unknown().optional(),
  chan_info: z.unknown().optional(),
});

const Publication = z.strictObject({
  data: z.unknown(),
  info: ClientInfo.optional(),
  offset: Count.optional(),
  tags: z.record(z.string(), z.string()).optional(),
});

const PublishResult = z.strictObject({
  offset: Count.describe("Absent where the channel keeps nothing").optional(),
  epoch: z.string().optional(),
});

const Node = z.strictObject({
  uid: z.string(),
  name: z.string(),
  version: z.string(),
  num_clients: Count,
  num_users: Count,
  num_subs: Count,
  num_channels: Count,
  uptime: Count.describe("Seconds"),
});

/** What the server API answers, by the name under which the document shows it. */
export const API_ANSWERS = { ApiError, ClientInfo, Publication, PublishResult, Node } as const;

interface Described {
  readonly summary: string;
  readonly result: z.ZodType;
}

/** All but `rpc`, whose methods have no place to be registered: it is always refused. */
const METHODS = {
  publish: { summary: "Publish to a channel", result: PublishResult },
  broadcast: {
    summary: "Publish the same to many channels",
    result: z.strictObject({ responses: z.array(outcome(PublishResult)) }),
  },
  subscribe: { summary: "Subscribe live clients to a channel", result: Nothing },
  unsubscribe: { summary: "Unsubscribe live clients", result: Nothing },
  disconnect: { summary: "Send clients away", result: Nothing },
  refresh: { summary: "Give connections another end", result: Nothing },
  presence: {
    summary: "Who is in a channel",
    result: z.strictObject({ presence: z.record(z.string(), ClientInfo) }),
  },
  presence_stats: {
    summary: "How many are in a channel",
    result: z.strictObject({ num_clients: Count, num_users: Count }),
  },
  history: {
    summary: "What a channel keeps",
    result: z.strictObject({
      publications: z.array(Publication),
      epoch: z.string(),
      offset: Count,
    }),
  },
  history_remove: { summary: "Forget what a channel keeps", result: Nothing },
  channels: {
    summary: "The channels that somebody listens to",
    result: z.strictObject({
      channels: z.record(z.string(), z.strictObject({ num_clients: Count })),
    }),
  },
  info: { summary: "The server", result: z.strictObject({ nodes: z.array(Node) }) },
} as const satisfies Record<Exclude<ApiMethod, "rpc">, Described>;

const CALLS = Object.entries(METHODS).map(([method, { summary, result }]): Operation => {
  const request = API_REQUESTS[method as keyof typeof METHODS];
  return operation(`/api/${method}`, {
    id: `api_${method}`,
    summary,
    body: json("The request. A member that is null is one that is absent.", request),
    answers: { 200: json("The result, or why there is none.", outcome(result)) },
  });
});

const Reply = z
  .looseObject({ id: Count.optional(), error: ApiError.optional() })
  .describe("Has the result under the name of its method, or an error");

const LegacyCommand = z.looseObject({
  id: Count.describe("Is in the reply too").optional(),
  method: z.string().meta({ examples: ["publish"] }),
  params: z.record(z.string(), z.unknown()).optional(),
});

const LegacyReply = z.strictObject({
  id: Count.optional(),
  result: z.unknown().optional(),
  error: ApiError.optional(),
});

/** What the backend does with channels and clients. */
export const SERVER_API_OPERATIONS: readonly Operation[] = [
  ...CALLS,
  operation("/api/batch", {
    id: "api_batch",
    summary: "Many calls in one request",
    body: json("The calls.", BatchBody),
    answers: {
      200: json(
        "A reply for each, in its place.",
        z.union([z.strictObject({ replies: z.array(Reply) }), z.strictObject({ error: ApiError })]),
      ),
    },
  }),
  operation("/api", {
    id: "api_legacy",
    summary: "The same in the form that older backends use",
    description: "One command, or one per line; as many replies come, one per line.",
    body: json("The command.", LegacyCommand),
    answers: { 200: json("The reply.", LegacyReply) },
  }),
];

function operation(
  path: string,
  described: Pick<Operation, "id" | "summary" | "description" | "body" | "answers">,
): Operation {
  return { method: "POST", path, tag: "server-api", access: "backend", ...described };
}

function outcome(result: z.ZodType): z.ZodType {
  return z.union([z.strictObject({ result }), z.strictObject({ error: ApiError })]);
}
