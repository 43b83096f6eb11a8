import type { Channel } from "../core/channel.ts";
import type { Position } from "../core/publication.ts";
import { ERROR } from "./codes.ts";

/** An error of the server API: the client protocol's, but for what only one of them has. */
export interface ApiError {
  readonly code: number;
  readonly message: string;
  /** What was wrong with the request. */
  readonly detail?: string;
}

export const API_ERROR = {
  internal: { code: ERROR.internal.code, message: ERROR.internal.message },
  unknownChannel: ERROR.unknownChannel,
  notFound: { code: 104, message: "not found" },
  badRequest: ERROR.badRequest,
  notAvailable: ERROR.notAvailable,
  unrecoverablePosition: ERROR.unrecoverablePosition,
  conflict: { code: 113, message: "conflict" },
} as const satisfies Record<string, ApiError>;

/** What a call came to: its result as JSON text, or why there is none. */
export type ApiOutcome = { readonly result: string } | { readonly error: ApiError };

/** Where a publication stands; a channel that keeps nothing has no places. */
export function encodePublishResult({ offset, epoch }: Position): string {
  return offset === 0 ? "{}" : `{"offset":${offset},"epoch":${JSON.stringify(epoch)}}`;
}

export function encodeBroadcastResult(outcomes: readonly ApiOutcome[]): string {
  return `{"responses":[${outcomes.map(encodeOutcome).join()}]}`;
}

/** What somebody listens to, with how many clients do. */
export function encodeChannels(channels: ReadonlyMap<Channel, number>): string {
  const entries = [...channels].map(([channel, clients]) => [channel, { num_clients: clients }]);
  return JSON.stringify({ channels: Object.fromEntries(entries) });
}

export interface NodeInfo {
  readonly uid: string;
  readonly name: string;
  readonly version: string;
  readonly clients: number;
  readonly users: number;
  readonly subscriptions: number;
  readonly channels: number;
  readonly uptimeSeconds: number;
}

export function encodeNodes(nodes: readonly NodeInfo[]): string {
  const encoded = nodes.map(({ uid, name, version, ...counts }) => ({
    uid,
    name,
    version,
    num_clients: counts.clients,
    num_users: counts.users,
    num_subs: counts.subscriptions,
    num_channels: counts.channels,
    uptime: counts.uptimeSeconds,
  }));
  return JSON.stringify({ nodes: encoded });
}

export function encodeApiError({ code, message, detail }: ApiError): string {
  return JSON.stringify({ code, message, detail });
}

/** `{"result":…}` or `{"error":…}`. */
export function encodeOutcome(outcome: ApiOutcome): string {
  return "error" in outcome
    ? `{"error":${encodeApiError(outcome.error)}}`
    : `{"result":${outcome.result}}`;
}

/** One reply among several; `resultName` is what its result is called. */
export function encodeEnclosedReply(id: number, resultName: string, outcome: ApiOutcome): string {
  const head = id === 0 ? "" : `"id":${id},`;
  return "error" in outcome
    ? `{${head}"error":${encodeApiError(outcome.error)}}`
    : `{${head}"${resultName}":${outcome.result}}`;
}

export function encodeReplies(replies: readonly string[]): string {
  return `{"replies":[${replies.join()}]}`;
}
