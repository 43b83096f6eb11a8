import type { Channel } from "../channel.ts";
import type { DeviceId } from "../device-id.ts";
import type { CommandGrants } from "../grants.ts";
import type { SubscriptionOverride } from "../subscription-override.ts";

/** What a token adds to one channel it subscribes its client to. */
export interface TokenSub {
  /** JSON text shown in presence and joins of this channel, instead of the client's own. */
  readonly info?: string;
  /** JSON text handed to the client with the subscription. */
  readonly data?: string;
  readonly override?: SubscriptionOverride;
}

/** What a valid token says of the client that shows it. */
export interface TokenClaims {
  /** "" is an anonymous user. */
  readonly user: string;
  /** When the connection ends, in milliseconds since 1970. Absent: never. */
  readonly expiresAtMs?: number;
  /** Channels the client is subscribed to without asking. Each once; may also be in `subs`. */
  readonly channels: readonly Channel[];
  /** The same with options, which win over a plain mention in `channels`. */
  readonly subs: ReadonlyMap<Channel, TokenSub>;
  /** Devices whose channels the client may subscribe to. Each once. */
  readonly devices: readonly DeviceId[];
  /** Commands the client may send, as patterns of their types by device. Absent: none. */
  readonly commands?: CommandGrants;
  /** JSON text about the user, shown in presence and joins. */
  readonly info?: string;
  /** JSON text about the client for the backend's eyes only. It MUST NOT reach any client. */
  readonly meta?: string;
}

/** Who shows a subscription token, and what for. */
export interface SubscriptionTarget {
  readonly channel: Channel;
  /** The user of the connection; "" is an anonymous one. */
  readonly user: string;
  /** The id of the connection. */
  readonly client: string;
}

/** What a valid subscription token says. */
export interface SubscriptionClaims extends TokenSub {
  /** When the subscription ends, in milliseconds since 1970. Absent: never. */
  readonly expiresAtMs?: number;
}

/**
 * Checks the tokens that let clients in, and into channels.
 *
 * Both methods resolve only for a token signed with one of our keys that is valid now; `expiresAtMs`
 * is then in the future. Otherwise they throw the Fault `token_expired` (too late or too early:
 * fetch a new one), `token_invalid`, or `token_keys_unreachable` (nobody can tell now: try again).
 * No error MUST hold the token or a part of it.
 *
 * JSON in claims is JSON text here, byte for byte as it was signed, but for line breaks.
 */
export interface TokenVerifier {
  verify(token: string): Promise<TokenClaims>;
  /** Throws `subscription_token_mismatch` for a good token of another channel, user or client. */
  verifySubscription(token: string, target: SubscriptionTarget): Promise<SubscriptionClaims>;
}
