import { type Channel, DEVICE_NAMESPACE, namespaceOf } from "./channel.ts";
import { Fault } from "./faults.ts";
import type { Retention } from "./publication.ts";

/** Who may do something in a channel: nobody, who is subscribed to it, or every signed-in client. */
export type Audience = "none" | "subscriber" | "client";

/** What the channels of one namespace keep and allow. */
export interface Namespace {
  /** Absent: nothing is kept, so nothing can be recovered. */
  readonly retention?: Retention;
  /** Subscriptions recover and watch their position without asking for it. */
  readonly forceRecovery: boolean;
  /** What a client gets that comes back: all it missed, or only the newest publication. */
  readonly recoveryMode: "stream" | "cache";
  /** Keeps the list of who is subscribed. */
  readonly presence: boolean;
  /** Tells who comes and goes to subscriptions that ask for it. */
  readonly joinLeave: boolean;
  /** Tells it also to those that do not ask. */
  readonly forceJoinLeave: boolean;
  /** Subscriptions may ask for differences instead of whole publications. */
  readonly delta: boolean;
  /** Any signed-in client may subscribe. */
  readonly allowSubscribe: boolean;
  /** Any client may subscribe, also an anonymous one. */
  readonly allowSubscribeAnonymous: boolean;
  readonly allowPublish: Audience;
  readonly allowPresence: Audience;
  readonly allowHistory: Audience;
  /** Ask the backend who may subscribe. */
  readonly subscribeCallback: boolean;
  /** Ask the backend about each publication of a client. */
  readonly publishCallback: boolean;
}

/** By name; "" is the namespace of channels without one. */
export type Namespaces = ReadonlyMap<string, Namespace>;

/** The same for those who ask for each channel again: they may change while the server runs. */
export type LiveNamespaces = Pick<Namespaces, "get">;

/** The rules for a channel; throws `channel_unknown` when its namespace is not configured. */
export function requireRules(channel: Channel, namespaces: LiveNamespaces): Namespace {
  const rules = namespaces.get(namespaceOf(channel));
  if (rules !== undefined) return rules;
  throw new Fault("channel_unknown", { detail: `no namespace for "${channel}"` });
}

/** What the channels of devices keep. There is always such a namespace, and it keeps at least one publication. */
export function deviceRetention(namespaces: Namespaces): Retention {
  const retention = namespaces.get(DEVICE_NAMESPACE)?.retention;
  if (retention !== undefined) return retention;
  throw new Error(`Cannot start: channels.${DEVICE_NAMESPACE} keeps no history`);
}
