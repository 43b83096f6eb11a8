import { Fault } from "../../core/faults.ts";
import type { CommandOf } from "../../protocol/client-frame.ts";
import { encodePresence, encodePresenceStats } from "../../protocol/server-frame.ts";
import type { Client } from "../client.ts";
import { channelOf, type NamedChannel, requireAudience } from "./channel-access.ts";

/** Who is in the channel. */
export function presence(client: Client, command: CommandOf<"presence">): void {
  const { channel } = visibleChannel(client, command.request.channel);
  client.reply(command, encodePresence(client.services.presence.list(channel)));
}

/** How many are in the channel. */
export function presenceStats(client: Client, command: CommandOf<"presence_stats">): void {
  const { channel } = visibleChannel(client, command.request.channel);
  client.reply(command, encodePresenceStats(client.services.presence.stats(channel)));
}

function visibleChannel(client: Client, text: string): NamedChannel {
  const named = channelOf(client, text);
  if (!named.rules.presence) throw new Fault("feature_unavailable", { detail: "presence" });
  requireAudience(client, named, named.rules.allowPresence);
  return named;
}
