import type { Channel } from "../core/channel.ts";
import type { ClientInfo } from "../core/client-info.ts";
import type { Namespace } from "../core/namespaces.ts";
import type { SubscriptionOverride } from "../core/subscription-override.ts";
import type { TagsFilter } from "../core/tags-filter.ts";
import type { Member } from "./audience.ts";

/** One client's subscription to one channel. */
export interface Subscription {
  readonly channel: Channel;
  /** By whose wish: only the client's own can be ended without ending the connection. */
  readonly by: "client" | "server";
  /** How the client appears to others in this channel. */
  readonly info: ClientInfo;
  /** Others may see it in the channel's presence. */
  readonly presence: boolean;
  /** Others may hear of its coming and going. */
  readonly announced: boolean;
  /** It ends with the binding of its channel's device. */
  readonly needsBinding: boolean;
  readonly member: Member;
}

/** What a subscription shall be like, from the request, the credentials and the namespace. */
export interface SubscriptionPlan extends GrantedWishes {
  readonly channel: Channel;
  readonly rules: Namespace;
  readonly by: "client" | "server";
  readonly filter?: TagsFilter;
  /** Only a binding allows it. */
  readonly needsBinding?: boolean;
  /** Its subscriber wants the state of the channel's device at once. */
  readonly withState?: boolean;
  /** JSON text about the subscription, shown in presence and joins. */
  readonly info?: string;
  /** JSON text for the subscriber. */
  readonly data?: string;
  /** When the subscription's token ends, in milliseconds since 1970. */
  readonly expiresAtMs?: number;
}

/** What a namespace grants of what a client wishes. */
export interface GrantedWishes {
  readonly recoverable: boolean;
  readonly positioned: boolean;
  /** The subscriber hears who comes and goes. */
  readonly joinLeave: boolean;
  /** Others hear of its own coming and going. */
  readonly announced: boolean;
  readonly presence: boolean;
  readonly delta: boolean;
}

/** What is asked for by a request, and what credentials force or forbid. */
export interface SubscriptionWishes {
  readonly recoverable?: boolean;
  readonly positioned?: boolean;
  readonly joinLeave?: boolean;
  readonly delta?: boolean;
  readonly override?: SubscriptionOverride;
}

/** What a namespace grants of what is wished. Without history there are no positions. */
export function grantWishes(rules: Namespace, wishes: SubscriptionWishes): GrantedWishes {
  const { override = {} } = wishes;
  const isKept = rules.retention !== undefined;
  const forceRecovery = override.forceRecovery ?? rules.forceRecovery;
  const recoverable = isKept && (forceRecovery || wishes.recoverable === true);
  const positioned = override.forcePositioning === true || wishes.positioned === true;
  const announced = override.joinLeave ?? rules.joinLeave;
  const forceJoinLeave = override.forcePushJoinLeave ?? rules.forceJoinLeave;
  return {
    recoverable,
    positioned: isKept && (recoverable || positioned),
    joinLeave: announced && (forceJoinLeave || wishes.joinLeave === true),
    announced,
    presence: override.presence ?? rules.presence,
    delta: rules.delta && wishes.delta === true,
  };
}
