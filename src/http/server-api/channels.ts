import { type Channel, parseChannel } from "../../core/channel.ts";
import { Fault } from "../../core/faults.ts";
import { parseGlob } from "../../core/glob.ts";
import { LIMITS } from "../../core/limits.ts";
import { type Namespace, requireRules } from "../../core/namespaces.ts";
import { readHistory } from "../../core/read-history.ts";
import type { ApiCallOf } from "../../protocol/server-api.ts";
import { encodeChannels } from "../../protocol/server-api-answer.ts";
import { encodeHistory, encodePresence, encodePresenceStats } from "../../protocol/server-frame.ts";
import type { ApiServices } from "./api-services.ts";

/** A channel with the rules of its namespace; throws `channel_malformed` or `channel_unknown`. */
export function knownChannel(
  { namespaces }: ApiServices,
  text: string,
): { readonly channel: Channel; readonly rules: Namespace } {
  const channel = parseChannel(text);
  return { channel, rules: requireRules(channel, namespaces) };
}

/** Who is in the channel. */
export function presence(services: ApiServices, call: ApiCallOf<"presence">): string {
  return encodePresence(services.presence.list(watchedChannel(services, call)));
}

/** How many are in the channel. */
export function presenceStats(services: ApiServices, call: ApiCallOf<"presence_stats">): string {
  return encodePresenceStats(services.presence.stats(watchedChannel(services, call)));
}

/** A page of what the channel keeps. */
export async function history(
  services: ApiServices,
  { request }: ApiCallOf<"history">,
): Promise<string> {
  const named = knownChannel(services, request.channel);
  const page = { ...request, publicationsMax: LIMITS.apiHistoryMaxPublications };
  return encodeHistory(await readHistory(services.streams, named, page));
}

/** Forgets what the channel keeps. */
export async function historyRemove(
  services: ApiServices,
  { request }: ApiCallOf<"history_remove">,
): Promise<string> {
  const { channel, rules } = knownChannel(services, request.channel);
  if (rules.retention === undefined) throw new Fault("feature_unavailable", { detail: "history" });
  await services.streams.removeHistory(channel);
  return "{}";
}

/** The channels that somebody listens to. */
export function channels(
  { fanout }: ApiServices,
  { request: { pattern = "" } }: ApiCallOf<"channels">,
): string {
  const isWanted = pattern === "" ? () => true : parseGlob(pattern);
  const found = [...fanout.channels()].filter(isWanted);
  return encodeChannels(new Map(found.map((channel) => [channel, fanout.members(channel)])));
}

function watchedChannel(
  services: ApiServices,
  { request }: ApiCallOf<"presence" | "presence_stats">,
): Channel {
  const { channel, rules } = knownChannel(services, request.channel);
  if (!rules.presence) throw new Fault("feature_unavailable", { detail: "presence" });
  return channel;
}
