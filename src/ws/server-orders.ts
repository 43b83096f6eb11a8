import type { Channel } from "../core/channel.ts";
import { Fault } from "../core/faults.ts";
import type { Identity } from "../core/grants.ts";
import { DISCONNECT, type Disconnect, UNSUBSCRIBE } from "../protocol/codes.ts";
import { refreshPush } from "../protocol/push-frame.ts";
import type { Client } from "./client.ts";
import type { ClientRegistry } from "./client-registry.ts";
import { ttlOf } from "./open-subscription.ts";
import { type ServerSubscription, subscribeByServer } from "./server-side.ts";

/** Whom an order of the backend is for; what is absent does not matter. */
export interface Address {
  /** "" is everyone who is anonymous. */
  readonly user?: string | undefined;
  readonly client?: string | undefined;
  /** Of a connection over held responses. */
  readonly session?: string | undefined;
}

/** The clients of this node that an order is for. Throws `address_missing` where it is for nobody. */
export function clientsAt(registry: ClientRegistry<Client>, address: Address): readonly Client[] {
  const { user, client: id = "", session = "" } = address;
  if (user === undefined && id === "" && session === "") {
    throw new Fault("address_missing", { detail: "wanted user, client or session" });
  }
  return candidatesFor(registry, address).filter(
    (it) =>
      (user === undefined || it.identity.user === user) &&
      (session === "" || it.connection.session === session),
  );
}

/** Whoever may be meant by the narrowest part of an address, so that no more are looked at. */
function candidatesFor(
  registry: ClientRegistry<Client>,
  { user, client: id = "" }: Address,
): readonly Client[] {
  if (id === "") return user === undefined ? registry.admittedClients() : registry.ofUser(user);
  const client = registry.get(id);
  return client === undefined ? [] : [client];
}

/** Subscribes all of them; resolves when all are told. */
export async function subscribeClients(
  clients: readonly Client[],
  subscription: ServerSubscription,
): Promise<void> {
  const outcomes = await Promise.allSettled(
    clients.map((client) => subscribeByServer(client, subscription)),
  );
  // One client that cannot be subscribed does not keep the others from it, but is not hidden.
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** Ends one subscription of each of them, or all when no channel is named. */
export function unsubscribeClients(clients: readonly Client[], channel?: Channel): void {
  for (const { subscriptions } of clients) {
    const channels = channel === undefined ? subscriptions.channels() : [channel];
    for (const it of channels) subscriptions.end(it, UNSUBSCRIBE.server);
  }
}

export function disconnectClients(
  clients: readonly Client[],
  disconnect: Disconnect = DISCONNECT.force,
): void {
  for (const client of clients) client.end(disconnect);
}

/** Gives each of them a new end, and tells it; one that is over already ends now. */
export function refreshClients(
  clients: readonly Client[],
  renewal: Pick<Identity, "expiresAtMs" | "info">,
): void {
  const { expiresAtMs } = renewal;
  for (const client of clients) {
    const nowMs = client.services.clock.nowMs();
    if (expiresAtMs !== undefined && expiresAtMs <= nowMs) {
      client.end(DISCONNECT.expired);
      continue;
    }
    client.renewed(renewal);
    // A client has nothing to do about an end that the backend is asked about.
    const isAsked = client.services.backend.refresh !== undefined;
    const { ttlSeconds } = ttlOf(isAsked ? undefined : expiresAtMs, nowMs);
    client.connection.send(refreshPush(client.connection.form, ttlSeconds));
  }
}
