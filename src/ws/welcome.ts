import type { Channel } from "../core/channel.ts";
import type { Opened } from "../core/recovery.ts";
import { DISCONNECT } from "../protocol/codes.ts";
import type { ConnectResult, SubscribeResult } from "../protocol/server-frame.ts";
import type { Admitted } from "./admission.ts";
import type { Client } from "./client.ts";
import { cancelAll, type Openings, openAll } from "./open-all.ts";
import { positionAfter, resultOf, ttlOf } from "./open-subscription.ts";
import { RecoveryBudget } from "./recovery-budget.ts";
import type { SubscriptionPlan } from "./subscription.ts";
import { makePlace, mayCome } from "./user-limit.ts";

/** How one client is let in, and what it is subscribed to from the start. */
export interface Welcome extends Openings {
  readonly admitted: Admitted;
  readonly encode: (result: ConnectResult) => string;
}

/** Opens what the client is subscribed to from the start, tells it, and lets it in. */
export async function welcome(client: Client, how: Welcome): Promise<void> {
  const { limits } = client.services;
  if (how.subs.length > limits.channelsPerClient) return client.end(DISCONNECT.channelLimit);
  const openings = await openAll(client, how);
  const cancel = (): void => cancelAll(openings.map(({ opening }) => opening));
  if (client.isClosed) return cancel();
  const { user } = how.admitted.identity;
  if (!mayCome(client.services, user)) {
    cancel();
    return client.end(DISCONNECT.connectionLimit);
  }

  // From here to the entering nothing may wait: what is published meanwhile would be lost.
  const completed = openings.map(({ plan, opening }) => ({ plan, opened: opening.complete() }));
  const sufficient = completed.filter(isSufficient);
  if (sufficient.length < completed.length) return client.end(DISCONNECT.insufficientState);
  const budget = new RecoveryBudget(limits.recoveryMaxBytes);
  const opened = sufficient.map((it) => ({ ...it, opened: budget.spend(it.opened) }));
  const result = connectResultOf(client, how, opened);
  client.connection.send(how.encode(result));
  // The connection may not have taken even that: then it is gone.
  if (client.isClosed) return;
  makePlace(client.services, user);
  client.admitted(how.admitted.identity);
  for (const it of opened) client.subscriptions.enter(it.plan, positionAfter(it.opened));
  logConnected(client);
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
  const { limits, version, clock, backend, node } = client.services;
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
    pingSeconds: tellsPings ? Math.max(1, Math.round(limits.pingIntervalMs / 1000)) : 0,
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
  services.log.info("client.connected", {
    client: id,
    user: identity.user,
    address: connection.remoteAddress,
    transport: connection.transport,
    channels: subscriptions.size,
  });
}
