import { Buffer } from "node:buffer";
import type { Channel } from "../core/channel.ts";
import type { HoldingRoom } from "../core/hub.ts";
import type { Position } from "../core/publication.ts";
import type { Opening } from "../core/subscriptions.ts";
import type { Client } from "./client.ts";
import { withNewestState } from "./newest-state.ts";
import { holdingRoom, openSubscription } from "./open-subscription.ts";
import { RecoveryBudget } from "./recovery-budget.ts";
import { type ServerSubscription, serverPlan } from "./server-side.ts";
import type { SubscriptionPlan } from "./subscription.ts";

/** A subscription that waits for the others of its answer. */
export interface PlannedOpening {
  readonly plan: SubscriptionPlan;
  readonly opening: Opening;
}

/** What one answer is to be made of. */
export interface Openings {
  readonly subs: readonly ServerSubscription[];
  readonly sinceOf: (channel: Channel) => readonly Position[];
  /** The newest state of each device belongs to it. */
  readonly withStates?: boolean;
}

interface Planned {
  readonly plan: SubscriptionPlan;
  readonly since: readonly Position[];
}

interface Bounds {
  readonly maxBytes: number;
  readonly room: HoldingRoom;
}

/**
 * Opens what belongs to one answer, and at no time holds more of its past than one answer may
 * bring. All are tried at once with an equal share; those that missed more are then read again in
 * turn, with what the others left. When one fails, none is left behind.
 */
export async function openAll(client: Client, { subs, sinceOf, withStates }: Openings) {
  const planned = subs.map((subscription) => {
    const plan = serverPlan(client, subscription);
    return { plan, since: sinceOf(plan.channel) };
  });
  const asking = planned.filter(({ since }) => since.length > 0).length;
  const { recoveryMaxBytes } = client.services.limits;
  const maxBytes = Math.floor(recoveryMaxBytes / Math.max(1, asking));
  const bounds = { maxBytes, room: holdingRoom() };
  const openings = await openAtOnce(client, planned, bounds);
  try {
    if (asking > 1) await reopenCut(client, openings, bounds.room);
  } catch (error) {
    cancelAll(openings.values());
    throw error;
  }
  const opened = planned.flatMap((it): PlannedOpening[] => {
    const opening = openings.get(it);
    return opening === undefined ? [] : [{ plan: it.plan, opening }];
  });
  return withStates ? addStates(client, opened) : opened;
}

/** One after the other, until they weigh as much as one answer may bring of the past: the rest can be asked for. */
async function addStates(
  { services: { states, limits } }: Client,
  openings: readonly PlannedOpening[],
): Promise<readonly PlannedOpening[]> {
  let leftBytes = limits.recoveryMaxBytes;
  const completed: PlannedOpening[] = [];
  try {
    for (const it of openings) {
      const plan = await withNewestState(states, { ...it.plan, withState: true });
      leftBytes -= Buffer.byteLength(plan.data ?? "");
      completed.push(leftBytes < 0 ? it : { ...it, plan });
    }
    return completed;
  } catch (error) {
    cancelAll(openings.map(({ opening }) => opening));
    throw error;
  }
}

/** Gives up subscriptions that nobody will complete. */
export function cancelAll(openings: Iterable<Opening>): void {
  for (const opening of openings) opening.cancel();
}

async function openAtOnce(
  { services }: Client,
  planned: readonly Planned[],
  bounds: Bounds,
): Promise<Map<Planned, Opening>> {
  const openings = new Map<Planned, Opening>();
  const outcomes = await Promise.allSettled(
    planned.map(async (it) => {
      const { plan, since } = it;
      openings.set(it, await openSubscription(services, plan, { since, ...bounds }));
    }),
  );
  // All are awaited, so that one failure leaves no other opening behind.
  const failed = outcomes.find((it) => it.status === "rejected");
  if (failed === undefined) return openings;
  cancelAll(openings.values());
  throw failed.reason;
}

async function reopenCut(
  client: Client,
  openings: Map<Planned, Opening>,
  room: HoldingRoom,
): Promise<void> {
  const budget = new RecoveryBudget(client.services.limits.recoveryMaxBytes);
  for (const { loaded } of openings.values()) budget.take(loaded.publications);
  const cut = [...openings].filter(([, { loaded }]) => loaded.isCut);
  for (const [it, opening] of cut) {
    if (client.isClosed) return;
    const { plan, since } = it;
    const bounds = { maxBytes: budget.leftBytes, room };
    const again = await openSubscription(client.services, plan, { since, ...bounds });
    openings.set(it, again);
    opening.cancel();
    budget.take(again.loaded.publications);
  }
}
