import type { DeviceId } from "./device-id.ts";
import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";

declare const brand: unique symbol;

/** A validated channel name. Only the functions of this file can make one. */
export type Channel = string & { readonly [brand]: "Channel" };

/** Printable ASCII without the space, as existing servers of the protocol accept by default. */
const CHANNEL_PATTERN = /^[\x21-\x7e]+$/;

/** The namespace that Posthorn itself fills: `device:{id}`. */
export const DEVICE_NAMESPACE = "device";

/** Turns untrusted text into a {@link Channel}, or throws `channel_malformed`. */
export function parseChannel(text: string): Channel {
  return parseNamedChannel(text, LIMITS.channelMaxChars);
}

/** The same for a name that a client chose: an operator may want these shorter than channels can be. */
export function parseNamedChannel(text: string, maxChars: number): Channel {
  if (text.length > maxChars) {
    const detail = `got ${text.length} characters, at most ${maxChars} are allowed`;
    throw new Fault("channel_malformed", { detail });
  }
  if (!CHANNEL_PATTERN.test(text)) {
    throw new Fault("channel_malformed", {
      detail: `got ${JSON.stringify(text)}, wanted printable ASCII without spaces`,
    });
  }
  return text as Channel;
}

/** The channel that carries what one device posts. */
export function deviceChannel(device: DeviceId): Channel {
  return `${DEVICE_NAMESPACE}:${device}` as Channel;
}

/** The channel that is one user's alone; undefined for a user whose id no such channel can name. */
export function userChannel(user: string): Channel | undefined {
  // A comma would let in others, a colon would name a namespace.
  if (!/^[^,:#]+$/.test(user) || user.length >= LIMITS.channelMaxChars) return undefined;
  const name = `#${user}`;
  return CHANNEL_PATTERN.test(name) ? (name as Channel) : undefined;
}

/** The part before the first `:`, or "" for a channel outside any namespace; `$` is not part of it. */
export function namespaceOf(channel: Channel): string {
  const bare = channel.startsWith("$") ? channel.slice(1) : channel;
  const end = bare.indexOf(":");
  return end < 0 ? "" : bare.slice(0, end);
}

/** Only a subscription token lets a client into a channel whose name starts with `$`. */
export function isPrivate(channel: Channel): boolean {
  return channel.startsWith("$");
}

/** The users that a name such as `dialog#anna,bob` lets in; undefined when it names none. */
export function usersOf(channel: Channel): readonly string[] | undefined {
  const at = channel.lastIndexOf("#");
  return at < 0 ? undefined : channel.slice(at + 1).split(",");
}
