import type { Channel } from "../core/channel.ts";
import { Fault } from "../core/faults.ts";
import { isBoundTo } from "../core/grants.ts";
import { requireRules } from "../core/namespaces.ts";
import type { Position } from "../core/publication.ts";
import type { Opened } from "../core/recovery.ts";
import type { SubscriptionOverride } from "../core/subscription-override.ts";
import { DISCONNECT } from "../protocol/codes.ts";
import { publicationPush, subscribePush } from "../protocol/push-frame.ts";
import { encodeSubscribeResult } from "../protocol/server-frame.ts";
import type { Client } from "./client.ts";
import { completePlan } from "./newest-state.ts";
import { openSubscription, positionAfter } from "./open-subscription.ts";
import { grantWishes, type SubscriptionPlan } from "./subscription.ts";

/** What the server may say of a subscription that it makes itself. */
export interface ServerSubscription {
  readonly channel: Channel;
  /** JSON text shown in presence and joins. */
  readonly info?: string;
  /** JSON text for the client. */
  readonly data?: string;
  readonly expiresAtMs?: number;
  readonly override?: SubscriptionOverride;
  readonly since?: readonly Position[];
  /** Only a binding allows it. */
  readonly needsBinding?: boolean;
  /** The client wants the state of the channel's device at once. */
  readonly withState?: boolean;
}

/** The plan of a subscription by the server; throws `channel_unknown`. */
export function serverPlan(
  client: Pick<Client, "services">,
  { channel, override, info, data, expiresAtMs, needsBinding, withState }: ServerSubscription,
): SubscriptionPlan {
  const rules = requireRules(channel, client.services.namespaces);
  return {
    channel,
    rules,
    by: "server",
    ...grantWishes(rules, { ...(override && { override }) }),
    ...(info !== undefined && { info }),
    ...(data !== undefined && { data }),
    ...(expiresAtMs !== undefined && { expiresAtMs }),
    ...(needsBinding && { needsBinding }),
    ...(withState && { withState }),
  };
}

/**
 * Subscribes a connected client without its asking, and tells it. Nothing happens when it already
 * is; throws `channels_exceeded` when it has as many as it may.
 */
export async function subscribeByServer(
  client: Client,
  subscription: ServerSubscription,
): Promise<void> {
  const { since = [] } = subscription;
  if (!canEnter(client, subscription)) return;
  const { services } = client;
  const bare = serverPlan(client, subscription);
  const { recoveryMaxBytes: maxBytes } = services.limits;
  const opening = await openSubscription(services, bare, { since, maxBytes });
  const plan = await completePlan(services.states, bare, opening);
  // The client may have left, subscribed by itself or lost its right while the stream was read.
  try {
    if (!canEnter(client, subscription)) return opening.cancel();
  } catch (error) {
    opening.cancel();
    throw error;
  }
  const opened = opening.complete();
  if (opened === "insufficient") return client.end(DISCONNECT.insufficientState);
  tellSubscribed(client, plan, opened);
  client.subscriptions.enter(plan, positionAfter(opened));
}

function canEnter(
  { isClosed, identity, subscriptions, services }: Client,
  { channel, needsBinding }: ServerSubscription,
): boolean {
  if (isClosed || subscriptions.get(channel) !== undefined) return false;
  if (needsBinding && !isBoundTo(identity, channel)) return false;
  const { channelsPerClient } = services.limits;
  if (subscriptions.size < channelsPerClient) return true;
  throw new Fault("channels_exceeded", { detail: `a client may have ${channelsPerClient}` });
}

/** The push has no place for publications, so what was recovered follows as if it came live. */
function tellSubscribed(
  { connection }: Client,
  { channel, recoverable, positioned, data }: SubscriptionPlan,
  { position, publications }: Exclude<Opened, "insufficient">,
): void {
  const { form } = connection;
  const opened = { position, publications: [] };
  const told = { recoverable, positioned, opened, ...(data !== undefined && { data }) };
  connection.send(subscribePush(form, channel, encodeSubscribeResult(told)));
  for (const publication of publications) {
    connection.send(publicationPush(form, channel, publication));
  }
}
