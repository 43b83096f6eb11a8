import { Fault } from "../../core/faults.ts";
import { isBoundTo, needsBinding } from "../../core/grants.ts";
import type { SubscriptionClaims } from "../../core/ports/tokens.ts";
import type { CommandOf } from "../../protocol/client-frame.ts";
import { DISCONNECT, ERROR } from "../../protocol/codes.ts";
import { encodeSubscribeResult } from "../../protocol/server-frame.ts";
import { wantsState } from "../../protocol/subscribe-data.ts";
import { decodeTagsFilter } from "../../protocol/tags-filter.ts";
import type { Client } from "../client.ts";
import { completePlan } from "../newest-state.ts";
import { openSubscription, positionAfter, resultOf } from "../open-subscription.ts";
import { Disconnection, Refusal } from "../protocol-error.ts";
import { RecoveryBudget } from "../recovery-budget.ts";
import { sinceIn } from "../since-in.ts";
import { grantWishes, type SubscriptionPlan } from "../subscription.ts";
import { channelOf, type NamedChannel } from "./channel-access.ts";
import { permitOf } from "./permit.ts";

/** Set by clients that want an error instead of `recovered: false`. */
const FLAG_FAIL_UNRECOVERED = 2;

/** Subscribes the client to a channel of its choice. */
export async function subscribe(client: Client, command: CommandOf<"subscribe">): Promise<void> {
  const { request } = command;
  const named = channelOf(client, request.channel);
  const { channel } = named;
  const { services, subscriptions } = client;
  if ((request.type ?? 0) !== 0) throw new Fault("feature_unavailable", { detail: "type" });
  if (subscriptions.get(channel) !== undefined) throw new Fault("channel_taken");
  if (subscriptions.size >= services.limits.channelsPerClient) throw new Fault("channels_exceeded");
  const bare = planOf(named, command, await permitOf(client, named, command));
  const maxBytes = services.limits.recoveryMaxBytes;
  const opening = await openSubscription(services, bare, { since: sinceIn(request), maxBytes });
  const plan = await completePlan(services.states, bare, opening);
  if (client.isClosed) return opening.cancel();
  const refusal = refusalNow(client, plan);
  if (refusal !== undefined) {
    opening.cancel();
    throw new Fault(refusal);
  }

  // From here to the entering nothing may wait: what is published meanwhile would be lost.
  const completed = opening.complete();
  if (completed === "insufficient") throw new Disconnection(DISCONNECT.insufficientState);
  const opened = new RecoveryBudget(maxBytes).spend(completed);
  const wantsError = ((request.flag ?? 0) & FLAG_FAIL_UNRECOVERED) !== 0;
  if (wantsError && opened.recovered === false) throw new Refusal(ERROR.unrecoverablePosition);
  const result = resultOf(plan, opened, services.clock.nowMs());
  client.reply(command, encodeSubscribeResult(result));
  subscriptions.enter(plan, positionAfter(opened));
  services.log.debug("client.subscribed", { client: client.id, channel });
}

/** What became wrong while the stream was read: the server subscribed it, or a binding ended. */
function refusalNow({ subscriptions, identity }: Client, plan: SubscriptionPlan) {
  if (subscriptions.get(plan.channel) !== undefined) return "channel_taken";
  return plan.needsBinding && !isBoundTo(identity, plan.channel) ? "channel_denied" : undefined;
}

function planOf(
  { channel, rules, identity }: NamedChannel,
  { request, data }: CommandOf<"subscribe">,
  { override, ...granted }: SubscriptionClaims,
): SubscriptionPlan {
  const filter = request.tf == null ? undefined : decodeTagsFilter(request.tf);
  const wishes = {
    recoverable: request.recoverable === true || request.recover === true,
    positioned: request.positioned === true,
    joinLeave: request.join_leave === true,
    delta: request.delta === "fossil",
    ...(override && { override }),
  };
  const given = grantWishes(rules, wishes);
  if (filter !== undefined && given.delta) {
    throw new Fault("filter_invalid", { detail: "it cannot be combined with delta" });
  }
  const isByToken = (request.token ?? "") !== "";
  return {
    channel,
    rules,
    by: "client",
    needsBinding: !isByToken && needsBinding(identity, channel, rules),
    withState: wantsState(data),
    ...given,
    ...granted,
    ...(filter && { filter }),
  };
}
