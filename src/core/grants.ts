import { type Channel, DEVICE_NAMESPACE, isPrivate, usersOf } from "./channel.ts";
import type { DeviceId } from "./device-id.ts";
import type { Audience, Namespace } from "./namespaces.ts";

/** Who a client is and what its credentials let it do. */
export interface Identity {
  /** "" is an anonymous user. */
  readonly user: string;
  /** Devices whose channels it may subscribe to. */
  readonly devices: ReadonlySet<DeviceId>;
  /** Development only: everything is allowed. */
  readonly unrestricted: boolean;
  /** When its credentials end, in milliseconds since 1970. Absent: never. */
  readonly expiresAtMs?: number;
  /** JSON text about the user, shown in presence and joins. */
  readonly info?: string;
  /** JSON text that only callbacks to the backend see. */
  readonly meta?: string;
}

/** "ask": neither allowed nor denied by what is known here; the backend has to say. */
export type SubscribeDecision = "allowed" | "needs_token" | "ask" | "denied";

/**
 * Whether this client may subscribe to `channel` by its own request, without a subscription token.
 * The first rule that applies decides; denied unless something allows it.
 */
export function decideSubscribe(
  identity: Identity,
  channel: Channel,
  rules: Namespace,
): SubscribeDecision {
  if (identity.unrestricted) return "allowed";
  if (isPrivate(channel)) return "needs_token";
  const users = usersOf(channel);
  if (users !== undefined)
    return identity.user !== "" && users.includes(identity.user) ? "allowed" : "denied";
  if (ownsDeviceOf(identity, channel)) return "allowed";
  if (rules.subscribeCallback) return "ask";
  const isOpen = rules.allowSubscribeAnonymous || (rules.allowSubscribe && identity.user !== "");
  return isOpen ? "allowed" : "denied";
}

/** Whether a client belongs to those who may publish, see presence or read history. */
export function belongsTo(audience: Audience, identity: Identity, isSubscribed: boolean): boolean {
  if (identity.unrestricted) return true;
  switch (audience) {
    case "none":
      return false;
    case "subscriber":
      return isSubscribed;
    case "client":
      return identity.user !== "";
  }
}

function ownsDeviceOf(identity: Identity, channel: Channel): boolean {
  const prefix = `${DEVICE_NAMESPACE}:`;
  return (
    channel.startsWith(prefix) && identity.devices.has(channel.slice(prefix.length) as DeviceId)
  );
}
