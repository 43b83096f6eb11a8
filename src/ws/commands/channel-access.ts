import { type Channel, parseNamedChannel } from "../../core/channel.ts";
import { Fault } from "../../core/faults.ts";
import { belongsTo, type Identity } from "../../core/grants.ts";
import { type Audience, type Namespace, requireRules } from "../../core/namespaces.ts";
import type { Client } from "../client.ts";

/** A channel that a command names, with the rules of its namespace. */
export interface NamedChannel {
  readonly channel: Channel;
  readonly rules: Namespace;
  readonly identity: Identity;
}

/** Looks up the channel of a command; throws `channel_malformed` or `channel_unknown`. */
export function channelOf(client: Client, text: string): NamedChannel {
  const { limits, namespaces } = client.services;
  const channel = parseNamedChannel(text, limits.channelMaxChars);
  return { channel, rules: requireRules(channel, namespaces), identity: client.identity };
}

/** Throws `channel_denied` unless the client belongs to those whom the namespace lets. */
export function requireAudience(client: Client, named: NamedChannel, audience: Audience): void {
  const isSubscribed = client.subscriptions.get(named.channel) !== undefined;
  if (!belongsTo(audience, named.identity, isSubscribed)) throw new Fault("channel_denied");
}
