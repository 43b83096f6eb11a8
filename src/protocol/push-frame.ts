import type { Channel } from "../core/channel.ts";
import type { ClientInfo } from "../core/client-info.ts";
import type { Publication } from "../core/publication.ts";
import type { Disconnect } from "./codes.ts";
import {
  type ConnectResult,
  encodeClientInfo,
  encodeConnectResult,
  encodePublication,
} from "./server-frame.ts";

/** How pushes look on a connection: wrapped beside replies, or bare where nothing else is sent. */
export type PushForm = "bidirectional" | "unidirectional";

/** One publication; the frame is the same for every subscriber of that form. */
export function publicationPush(
  form: PushForm,
  channel: Channel,
  publication: Publication,
): string {
  return inChannel(form, channel, `"pub":${encodePublication(publication)}`);
}

export function joinPush(form: PushForm, channel: Channel, info: ClientInfo): string {
  return inChannel(form, channel, `"join":{"info":${encodeClientInfo(info)}}`);
}

export function leavePush(form: PushForm, channel: Channel, info: ClientInfo): string {
  return inChannel(form, channel, `"leave":{"info":${encodeClientInfo(info)}}`);
}

/** The server subscribed the client; `result` is JSON text. */
export function subscribePush(form: PushForm, channel: Channel, result: string): string {
  return inChannel(form, channel, `"subscribe":${result}`);
}

export function unsubscribePush(form: PushForm, channel: Channel, why: Disconnect): string {
  return inChannel(form, channel, `"unsubscribe":${JSON.stringify(why)}`);
}

/** The first frame where the connect was no command. */
export function connectPush(form: PushForm, result: ConnectResult): string {
  return wrap(form, `"connect":${encodeConnectResult(result)}`);
}

export function refreshPush(form: PushForm, ttlSeconds: number | undefined): string {
  return wrap(form, `"refresh":${encodeExpiry(ttlSeconds)}`);
}

/** Tells the reason of an end where there is no close frame to tell it. */
export function disconnectPush(form: PushForm, why: Disconnect): string {
  return wrap(form, `"disconnect":${JSON.stringify({ code: why.code, reason: why.reason })}`);
}

/** The fields by which a client learns when to bring new credentials. */
export function encodeExpiry(ttlSeconds: number | undefined): string {
  return ttlSeconds === undefined ? "{}" : `{"expires":true,"ttl":${ttlSeconds}}`;
}

function inChannel(form: PushForm, channel: Channel, body: string): string {
  return wrap(form, `"channel":${JSON.stringify(channel)},${body}`);
}

function wrap(form: PushForm, body: string): string {
  return form === "bidirectional" ? `{"push":{${body}}}` : `{${body}}`;
}
