import { z } from "zod";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";
import { onOneLine, rawMembers } from "../core/raw-json.ts";
import { wordsOf } from "./issue-words.ts";
import { Key } from "./key-text.ts";

const Name = z.string().min(1);
/** Taken from the text, so that it stays as it was written. */
const Json = z.unknown().describe("Any JSON, passed on as it was written").optional();
const Text = z.string().optional();
const Flag = z.boolean().optional();
/** What it holds is checked where it is decoded. */
const Base64 = z.base64().describe("The same as JSON in base64, which then counts").optional();
/** Seconds since 1970 up to the last one that a `Date` can tell; 0 is never. */
const Seconds = z.int().min(0).max(8.64e12).describe("Seconds since 1970; 0 is never").optional();
const Position = z.object({ offset: z.int().min(0).default(0), epoch: z.string().default("") });

/** Whom a call is about; "" is the user of everyone who is anonymous. */
const Address = {
  user: z.string().describe('All clients of this user; "" is everyone who is anonymous').optional(),
  client: z.string().describe("Only the client of this id").optional(),
  session: z.string().describe("Only the client of this session").optional(),
};

const PublishOptions = {
  data: Json,
  b64data: Base64,
  skip_history: Flag,
  tags: z.record(z.string(), z.string()).optional(),
  idempotency_key: Key.optional(),
  /** Differences are made for whoever asked for them, so this changes nothing. */
  delta: Flag,
  version: z.int().min(0).optional(),
  version_epoch: Key.optional(),
};

/**
 * Every method of the server API with its request. Unknown fields are ignored: fields are only ever
 * added. The order is the one in which a server picks when a command of a batch has several.
 */
export const API_REQUESTS = {
  publish: z.object({ channel: Name, ...PublishOptions }),
  broadcast: z.object({
    // A channel's name is checked by itself: a bad one is no reason to refuse the others.
    channels: z.array(z.string()).min(1).max(LIMITS.apiChannelsPerBroadcast),
    ...PublishOptions,
  }),
  subscribe: z.object({
    channel: Name,
    ...Address,
    info: Json,
    b64info: Base64,
    data: Json,
    b64data: Base64,
    expire_at: Seconds,
    recover_since: Position.optional(),
    override: z.unknown().optional(),
  }),
  unsubscribe: z.object({ channel: Text, ...Address }),
  disconnect: z.object({
    ...Address,
    whitelist: z.array(z.string()).optional(),
    disconnect: z.object({ code: z.int().min(3000).max(4999), reason: Text }).optional(),
  }),
  history: z.object({
    channel: Name,
    limit: z
      .int()
      .describe("Publications; 0 is the position only, a negative one as many as are allowed")
      .optional(),
    since: Position.optional(),
    reverse: Flag,
  }),
  history_remove: z.object({ channel: Name }),
  presence: z.object({ channel: Name }),
  presence_stats: z.object({ channel: Name }),
  info: z.object({}),
  rpc: z.object({ method: Name }),
  refresh: z.object({ ...Address, info: Json, expired: Flag, expire_at: Seconds }),
  channels: z.object({ pattern: Text }),
} as const;

/** Methods of servers that keep state by key; here no channel does. */
const NOT_AVAILABLE: ReadonlySet<string> = new Set([
  ...["map_publish", "map_remove", "map_read_state", "map_read_stream", "map_stats", "map_clear"],
  "shared_poll_publish",
]);

export type ApiMethod = keyof typeof API_REQUESTS;

/** Members of any kind, as JSON text. */
export interface ApiPayloads {
  readonly data?: string;
  readonly info?: string;
}

/** One call of the server API. */
export type ApiCall = {
  readonly [M in ApiMethod]: {
    readonly method: M;
    readonly request: z.infer<(typeof API_REQUESTS)[M]>;
    readonly payloads: ApiPayloads;
  };
}[ApiMethod];

/** One call of a certain method. */
export type ApiCallOf<M extends ApiMethod> = Extract<ApiCall, { readonly method: M }>;

export const API_METHODS = Object.keys(API_REQUESTS) as readonly ApiMethod[];

/**
 * Decodes one call. Throws `body_malformed` when `text` is no JSON object, `method_unknown` or
 * `method_unavailable`, and `api_request_invalid` with the name of the field that is wrong.
 */
export function decodeApiCall(method: string, text: string): ApiCall {
  const value = parseObject(text);
  if (NOT_AVAILABLE.has(method)) throw new Fault("method_unavailable", { detail: method });
  if (!isApiMethod(method)) throw new Fault("method_unknown", { detail: method });
  const parsed = checkRequest(API_REQUESTS[method], withoutNulls(value));
  const raw = rawMembers(text);
  const payloads = { ...payload("data", raw), ...payload("info", raw) };
  return { method, request: parsed, payloads } as ApiCall;
}

/** Reads a JSON object, or throws `body_malformed`. */
export function parseObject(text: string): Readonly<Record<string, unknown>> {
  const value = parseJson(text);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new Fault("body_malformed", { detail: "it is not a JSON object" });
}

/** What `schema` makes of a request, or throws `api_request_invalid` with what is wrong with it. */
export function checkRequest<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const detail = wordsOf(parsed.error, value, schema);
  throw new Fault("api_request_invalid", { detail });
}

function isApiMethod(method: string): method is ApiMethod {
  return Object.hasOwn(API_REQUESTS, method);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault("body_malformed", { detail: "it is not JSON", cause });
  }
}

/** Many backends write null for what is not there. */
function withoutNulls(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}

function payload(name: keyof ApiPayloads, raw: ReadonlyMap<string, string>): ApiPayloads {
  const text = raw.get(name);
  return text === undefined ? {} : { [name]: onOneLine(text) };
}
