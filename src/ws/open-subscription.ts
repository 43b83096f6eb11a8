import type { HoldingRoom } from "../core/hub.ts";
import { LIMITS } from "../core/limits.ts";
import type { Position } from "../core/publication.ts";
import type { Opened } from "../core/recovery.ts";
import type { Opening } from "../core/subscriptions.ts";
import { passesFilter } from "../core/tags-filter.ts";
import type { SubscribeResult } from "../protocol/server-frame.ts";
import type { ClientServices } from "./client-services.ts";
import { asChain } from "./delta.ts";
import type { SubscriptionPlan } from "./subscription.ts";

/** What a client asks of a stream's past, and what it may be given. */
export interface AskedPast {
  readonly since: readonly Position[];
  readonly maxBytes: number;
  /** Shared by subscriptions that are opened for one answer; absent for one that is alone. */
  readonly room?: HoldingRoom;
}

/** Room for what arrives while the subscriptions of one answer load. */
export function holdingRoom(): HoldingRoom {
  return { leftBytes: LIMITS.loadingMaxBytes };
}

/** Starts loading what a subscription needs to know of its stream. */
export function openSubscription(
  { subscriptions }: Pick<ClientServices, "subscriptions">,
  { channel, rules, recoverable, positioned }: SubscriptionPlan,
  { since, maxBytes, room = holdingRoom() }: AskedPast,
): Promise<Opening> {
  const tells = recoverable || positioned;
  const { recoveryMode } = rules;
  return subscriptions.open({
    channel,
    rules: { recoveryMode, ...(tells && rules.retention && { retention: rules.retention }) },
    // A channel that keeps nothing tells a client that asks for it that nothing was recovered.
    since: recoverable || !tells ? since : [],
    maxBytes,
    room,
  });
}

/** What the client is told of its new subscription. */
export function resultOf(
  { recoverable, positioned, delta, filter, data, expiresAtMs }: SubscriptionPlan,
  opened: Exclude<Opened, "insufficient">,
  nowMs: number,
): SubscribeResult {
  const wanted =
    filter === undefined
      ? opened.publications
      : opened.publications.filter(({ tags = {} }) => passesFilter(filter, tags));
  const publications = delta ? asChain(wanted) : wanted;
  return {
    recoverable,
    positioned,
    opened: { ...opened, publications },
    ...(delta && { delta }),
    ...(data !== undefined && { data }),
    ...ttlOf(expiresAtMs, nowMs),
  };
}

/** How long credentials last, as clients are told it: in whole seconds, at least one. */
export function ttlOf(
  expiresAtMs: number | undefined,
  nowMs: number,
): { readonly ttlSeconds?: number } {
  if (expiresAtMs === undefined) return {};
  const ttlSeconds = Math.max(1, Math.ceil((expiresAtMs - nowMs) / 1000));
  return { ttlSeconds: Math.min(ttlSeconds, LIMITS.ttlMaxSeconds) };
}

/** Where a subscription stands once the client has what it was told. */
export function positionAfter({ position, publications }: SubscribeResult["opened"]): Position {
  const last = publications.at(-1);
  return last === undefined ? position : { epoch: position.epoch, offset: last.offset };
}
