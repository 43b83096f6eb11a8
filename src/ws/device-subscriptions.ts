import { deviceChannel } from "../core/channel.ts";
import { parseDeviceId } from "../core/device-id.ts";
import type { Identity } from "../core/grants.ts";
import type { Admitted } from "./admission.ts";
import type { Client } from "./client.ts";
import type { ServerSubscription } from "./server-side.ts";

/**
 * What a client that says nothing itself is subscribed to: what its credentials name, the devices
 * they let it see, and those its user owns, of which only as many as it may have channels.
 */
export function subscriptionsOf(
  client: Client,
  { identity, subs }: Admitted,
  wished: readonly string[],
): readonly ServerSubscription[] {
  const named = new Set(subs.map(({ channel }) => channel));
  const seen = heard(identity, wished).map(deviceChannel);
  const claimed = seen.filter((channel) => !named.has(channel)).map((channel) => ({ channel }));
  for (const { channel } of claimed) named.add(channel);
  const owned = [...identity.bindings.keys()].map(deviceChannel);
  const others = owned.filter((channel) => !named.has(channel));
  const room = Math.max(0, client.services.limits.channelsPerClient - named.size);
  tellLeftOut(client, identity, others.length - room);
  const fitting = others.slice(0, room).map((channel) => ({ channel, needsBinding: true }));
  return [...subs, ...claimed, ...fitting];
}

/** Devices it is allowed to see, and those it asks to hear where everything is allowed. */
function heard({ devices, unrestricted }: Identity, wished: readonly string[]) {
  return unrestricted ? [...new Set([...devices, ...wished.map(parseDeviceId)])] : [...devices];
}

function tellLeftOut({ id, services }: Client, { user }: Identity, leftOut: number): void {
  if (leftOut > 0) services.log.warn("client.channels_full", { client: id, user, leftOut });
}
