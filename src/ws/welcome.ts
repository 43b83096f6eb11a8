import type { Channel } from "../core/channel.ts";
import { isBoundTo } from "../core/grants.ts";
import type { Opened } from "../core/recovery.ts";
import { DISCONNECT, type Disconnect } from "../protocol/codes.ts";
import type { ConnectResult, SubscribeResult } from "../protocol/server-frame.ts";
import type { Admitted } from "./admission.ts";
import type { Client } from "./client.ts";
import type { BindingsNow } from "./live-bindings.ts";
import { cancelAll, type Openings, openAll, type PlannedOpening } from "./open-all.ts";
import { positionAfter, resultOf, ttlOf } from "./open-subscription.ts";
import { RecoveryBudget } from "./recovery-budget.ts";
import type { SubscriptionPlan } from "./subscription.ts";
import { makePlace, mayCome } from "./user-limit.ts";

/** How one client is let in, and what it is subscribed to from the start. */
export interface Welcome extends Openings {
  readonly admitted: Admitted;
  /** It hears the devices of its user without asking, also those that became so while it came. */
  readonly hearsDevices?: boolean;
  readonly encode: (result: ConnectResult) => string;
}

/** Opens what the client is subscribed to from the start, tells it, and lets it in. */
export async function welcome(client: Client, how: Welcome): Promise<void> {
  if (how.subs.length > client.services.limits.channelsPerClient)
    return client.end(DISCONNECT.channelLimit);
  const openings = await openAll(client, how);
  if (client.isClosed) return cancelAll(openings.map(({ opening }) => opening));

  // From here to the entering nothing may wait: what is published meanwhile would be lost.
  const ready = complete(client, how, openings);
  if ("refused" in ready) return client.end(ready.refused);
  const { now, opened } = ready;
  const result = connectResultOf(client, how, opened);
  client.connection.send(how.encode(result));
  // The connection may not have taken even that: then it is gone.
  if (client.isClosed) return;
  makePlace(client.services, now.identity.user);
  client.admitted(now.identity, how);
  for (const it of opened) client.subscriptions.enter(it.plan, positionAfter(it.opened));
  logConnected(client);
  if (!how.hearsDevices) return;
  for (const device of now.added) client.services.bindings.subscribe(client, device);
}

/** What a client gets that may come. */
interface Ready {
  readonly now: BindingsNow;
  readonly opened: readonly OpenedPlan[];
}

/** Ends each opening: by completing it where the client may come, else by giving it up. */
function complete(
  { services }: Client,
  { admitted }: Welcome,
  openings: readonly PlannedOpening[],
): Ready | { readonly refused: Disconnect } {
  const { identity, readAt } = admitted;
  const now = services.bindings.catchUp(identity, readAt);
  const isWelcome = mayCome(services, identity.user);
  if (now === undefined || !isWelcome) {
    cancelAll(openings.map(({ opening }) => opening));
    return { refused: isWelcome ? DISCONNECT.insufficientState : DISCONNECT.connectionLimit };
  }
  const isLost = ({ plan }: PlannedOpening): boolean =>
    plan.needsBinding === true && !isBoundTo(now.identity, plan.channel);
  cancelAll(openings.filter(isLost).map(({ opening }) => opening));
  const completed = openings
    .filter((it) => !isLost(it))
    .map(({ plan, opening }) => ({ plan, opened: opening.complete() }));
  const sufficient = completed.filter(isSufficient);
  if (sufficient.length < completed.length) return { refused: DISCONNECT.insufficientState };
  const budget = new RecoveryBudget(services.limits.recoveryMaxBytes);
  return { now, opened: sufficient.map((it) => ({ ...it, opened: budget.spend(it.opened) })) };
}

interface OpenedPlan {
  readonly plan: SubscriptionPlan;
  readonly opened: Exclude<Opened, "insufficient">;
}

function isSufficient(it: { plan: SubscriptionPlan; opened: Opened }): it is OpenedPlan {
  return it.opened !== "insufficient";
}

function connectResultOf(
  client: Client,
  { admitted }: Welcome,
  opened: readonly OpenedPlan[],
): ConnectResult {
  const { version, clock, backend, node } = client.services;
  const { form, session, pong, tellsPings } = client.connection;
  const nowMs = clock.nowMs();
  // Where the backend is asked the client has nothing to refresh, so it is told of no end.
  const expiresAtMs = backend.refresh === undefined ? admitted.identity.expiresAtMs : undefined;
  const subs = new Map<Channel, SubscribeResult>(
    opened.map((it) => [it.plan.channel, resultOf(it.plan, it.opened, nowMs)]),
  );
  return {
    client: client.id,
    version,
    pingSeconds: tellsPings ? Math.max(1, Math.round(client.pings.pingIntervalMs / 1000)) : 0,
    pong: pong === "required",
    subs,
    ...ttlOf(expiresAtMs, nowMs),
    ...(admitted.data !== undefined && { data: admitted.data }),
    ...(session !== undefined && { session }),
    // Commands of a client that only listens find no node.
    ...(session !== undefined && form === "bidirectional" && { node }),
  };
}

function logConnected({ id, identity, connection, subscriptions, services }: Client): void {
  services.meter.admitted(connection.transport);
  services.log.info("client.connected", {
    client: id,
    user: identity.user,
    address: connection.remoteAddress,
    transport: connection.transport,
    channels: subscriptions.size,
  });
}
