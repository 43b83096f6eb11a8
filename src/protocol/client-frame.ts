import { z } from "zod";
import { onOneLine, rawAt } from "../core/raw-json.ts";
import { malformedFrame, parseFrame } from "./frame-object.ts";
import { wordsOf } from "./issue-words.ts";

const Offset = z.int().min(0);
const ChannelName = z.string().min(1);

const Since = {
  recover: z.boolean().optional(),
  epoch: z.string().optional(),
  offset: Offset.optional(),
};

const SubscribeFields = z.object({
  channel: ChannelName,
  token: z.string().optional(),
  ...Since,
  positioned: z.boolean().optional(),
  recoverable: z.boolean().optional(),
  join_leave: z.boolean().optional(),
  /** An unknown type of delta is a protocol error, not a refusal. */
  delta: z.enum(["", "fossil"]).optional(),
  tf: z.unknown().optional(),
  flag: z.int().optional(),
  /** 0 is a stream; the other kinds of subscription are not offered. */
  type: z.int().optional(),
});

const ConnectFields = z.object({
  token: z.string().optional(),
  subs: z.record(z.string(), z.object(Since)).optional(),
  name: z.string().optional(),
  version: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
});

const HistoryFields = z.object({
  channel: ChannelName,
  limit: z.int().optional(),
  since: z.object({ offset: Offset.default(0), epoch: z.string().default("") }).optional(),
  reverse: z.boolean().optional(),
});

const ChannelFields = z.object({ channel: ChannelName });
const RpcFields = z.object({ method: z.string().default("") });
const SendFields = z.object({});
const RefreshFields = z.object({ token: z.string().min(1) });
const SubRefreshFields = z.object({ channel: ChannelName, token: z.string().min(1) });

export type ConnectRequest = z.infer<typeof ConnectFields>;
export type SubscribeRequest = z.infer<typeof SubscribeFields>;

/**
 * Every request of the client protocol. Unknown fields are ignored, as the protocol asks: fields
 * are only ever added. The order is the one in which a server picks when a command has several.
 */
const REQUESTS = {
  connect: ConnectFields,
  subscribe: SubscribeFields,
  unsubscribe: ChannelFields,
  publish: ChannelFields,
  presence: ChannelFields,
  presence_stats: ChannelFields,
  history: HistoryFields,
  send: SendFields,
  rpc: RpcFields,
  refresh: RefreshFields,
  sub_refresh: SubRefreshFields,
} as const;

export type Method = keyof typeof REQUESTS;

/** One command, with its payload (if its request has one) as JSON text. */
export type Command = {
  readonly [M in Method]: {
    readonly id: number;
    readonly method: M;
    readonly request: z.infer<(typeof REQUESTS)[M]>;
    readonly data?: string;
  };
}[Method];

/** One command of a certain kind. */
export type CommandOf<M extends Method> = Extract<Command, { readonly method: M }>;

/** What one line of a client's frame says. */
export type ClientLine = Command | "pong";

const METHODS = Object.keys(REQUESTS) as readonly Method[];
const CommandId = z.int().min(0).max(0xffff_ffff);

/** Decodes one text frame (JSON objects separated by line breaks), or throws `frame_malformed`. */
export function decodeClientFrame(text: string): ClientLine[] {
  if (text === "{}") return ["pong"];
  const trimmed = text.trimEnd();
  if (trimmed === "") throw malformedFrame("it is empty");
  return trimmed.split("\n").map(decodeLine);
}

/**
 * Decodes the one connect request by which a client of a unidirectional transport begins: the bare
 * request, without a command around it. Empty text and `null` stand for an empty request.
 */
export function decodeBareConnect(text: string): CommandOf<"connect"> {
  const trimmed = text.trim();
  const object = trimmed === "" || trimmed === "null" ? "{}" : trimmed;
  // Else what is spliced in could end the request and begin another command.
  parseFrame(object);
  const [line] = decodeClientFrame(`{"id":1,"connect":${onOneLine(object)}}`);
  if (line === undefined || line === "pong" || line.method !== "connect") {
    throw malformedFrame("it is not a connect request");
  }
  return line;
}

/** Whether a frame can be meant as a command at all: /login answers anything else with text. */
export function isJsonObject(text: string): boolean {
  if (!text.trimStart().startsWith("{")) return false;
  try {
    JSON.parse(text.trimEnd().split("\n", 1)[0] ?? "");
    return true;
  } catch {
    return false;
  }
}

function decodeLine(line: string): ClientLine {
  const value = parseFrame(line);
  const method = METHODS.find((name) => value[name] !== undefined && value[name] !== null);
  const id = CommandId.safeParse(value["id"] ?? 0);
  if (!id.success) throw malformedFrame("its id is not a whole number of at most 32 bits");
  if (method === undefined) {
    if (id.data === 0) return "pong";
    throw malformedFrame(`command ${id.data} has no known request`);
  }
  if (id.data === 0 && method !== "send") throw malformedFrame(`its ${method} has no id`);
  const found = withoutNulls(value[method]);
  const request = REQUESTS[method].safeParse(found);
  if (!request.success) {
    throw malformedFrame(`its ${method}: ${wordsOf(request.error, found, REQUESTS[method])}`);
  }
  const data = rawAt(line, [method, "data"]);
  return {
    id: id.data,
    method,
    request: request.data,
    ...(data !== undefined && { data: onOneLine(data) }),
  } as Command;
}

/** Some SDKs write null for what they leave out. */
function withoutNulls(request: unknown): unknown {
  if (typeof request !== "object" || request === null || Array.isArray(request)) return request;
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== null));
}
