import { type Channel, DEVICE_NAMESPACE, isPrivate, usersOf } from "./channel.ts";
import type { DeviceId } from "./device-id.ts";
import { parseGlob } from "./glob.ts";
import type { Audience, Namespace } from "./namespaces.ts";

/**
 * Which types of commands may be sent, as patterns (`parseGlob`) by device. At most
 * `LIMITS.commandPatternsMax` each, which {@link checkCommandPattern} has seen.
 */
export type CommandGrants = ReadonlyMap<DeviceId, readonly string[]>;

/** Who a client is and what it may do. */
export interface Identity {
  /** "" is an anonymous user. */
  readonly user: string;
  /** Devices that its credentials let it see. */
  readonly devices: ReadonlySet<DeviceId>;
  /** Commands that its credentials let it send. */
  readonly commands: CommandGrants;
  /** Devices bound to its user, all of which it may see, with the commands it may send. They change while it lives. */
  readonly bindings: CommandGrants;
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

const UNBOUND: CommandGrants = new Map();

/** Throws `glob_malformed` for what is no pattern; else answers it. */
export function checkCommandPattern(pattern: string): string {
  parseGlob(pattern);
  return pattern;
}

/** Whether this client may know of the device: its channel, its state, its commands. */
export function maySee({ unrestricted, devices, bindings }: Identity, device: DeviceId): boolean {
  return unrestricted || devices.has(device) || bindings.has(device);
}

/** Whether this client may send the device a command of this type. */
export function maySend(identity: Identity, device: DeviceId, type: string): boolean {
  if (identity.unrestricted) return true;
  const patterns = [
    ...(identity.commands.get(device) ?? []),
    ...(identity.bindings.get(device) ?? []),
  ];
  return patterns.some((pattern) => pattern === "*" || parseGlob(pattern)(type));
}

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
  const device = deviceNamedBy(channel);
  if (device !== undefined && maySee(identity, device)) return "allowed";
  if (rules.subscribeCallback) return "ask";
  const isOpen = rules.allowSubscribeAnonymous || (rules.allowSubscribe && identity.user !== "");
  return isOpen ? "allowed" : "denied";
}

/** Whether a binding alone lets this client into the channel, so that it has to leave with the binding. */
export function needsBinding(identity: Identity, channel: Channel, rules: Namespace): boolean {
  if (decideSubscribe(identity, channel, rules) !== "allowed") return false;
  return decideSubscribe({ ...identity, bindings: UNBOUND }, channel, rules) !== "allowed";
}

/** Whether the channel is that of a device which is bound to this client's user. */
export function isBoundTo({ bindings }: Identity, channel: Channel): boolean {
  const device = deviceNamedBy(channel);
  return device !== undefined && bindings.has(device);
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

/** No more than a name: there may be no device that could be called so. */
function deviceNamedBy(channel: Channel): DeviceId | undefined {
  const prefix = `${DEVICE_NAMESPACE}:`;
  return channel.startsWith(prefix) ? (channel.slice(prefix.length) as DeviceId) : undefined;
}
