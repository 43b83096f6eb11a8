import type { Channel } from "../core/channel.ts";
import type { ClientInfo } from "../core/client-info.ts";
import type { History } from "../core/ports/engine.ts";
import type { PresenceStats } from "../core/presence.ts";
import type { Publication } from "../core/publication.ts";
import type { Opened } from "../core/recovery.ts";
import type { ProtocolError } from "./codes.ts";

/** The server's application-level ping, and the client's pong. */
export const PING_FRAME = "{}";

/** A publication whose data may be sent as a difference to the one before it. */
export interface SentPublication extends Publication {
  /** `data` is a difference. */
  readonly delta?: boolean;
}

/** A finished subscription as the client is told it. */
export interface SubscribeResult {
  readonly recoverable: boolean;
  readonly positioned: boolean;
  readonly opened: Exclude<Opened, "insufficient">;
  /** Data comes as strings, whole or as differences. */
  readonly delta?: boolean;
  /** JSON text for the subscriber. */
  readonly data?: string;
  /** Seconds until the client must refresh its subscription token. */
  readonly ttlSeconds?: number;
}

export interface ConnectResult {
  readonly client: string;
  readonly version: string;
  /** 0 tells of no pings. */
  readonly pingSeconds: number;
  /** The client must answer each ping. */
  readonly pong: boolean;
  /** Seconds until the client must refresh its token; absent when it never has to. */
  readonly ttlSeconds?: number;
  /** JSON text for the client. */
  readonly data?: string;
  /** Names the held response and the node that later commands belong to. */
  readonly session?: string;
  readonly node?: string;
  /** Brings back all that was published since this answer, when shown at the next handshake. */
  readonly resume?: string;
  /** Server-side subscriptions. */
  readonly subs: ReadonlyMap<Channel, SubscribeResult>;
}

/** A successful reply; `result` is JSON text. */
export function encodeReply(id: number, method: string, result: string): string {
  return `{"id":${id},"${method}":${result}}`;
}

export function encodeErrorReply(id: number, { code, message, temporary }: ProtocolError): string {
  return JSON.stringify({ id, error: { code, message, ...(temporary && { temporary }) } });
}

export function encodeConnectResult(result: ConnectResult): string {
  const subs = [...result.subs].map(
    ([channel, sub]) => `${JSON.stringify(channel)}:${encodeSubscribeResult(sub)}`,
  );
  return object([
    `"client":${JSON.stringify(result.client)}`,
    `"version":${JSON.stringify(result.version)}`,
    ...expiry(result.ttlSeconds),
    ...raw("data", result.data),
    ...(subs.length === 0 ? [] : [`"subs":${object(subs)}`]),
    ...text("resume", result.resume),
    ...text("session", result.session),
    ...text("node", result.node),
    ...(result.pingSeconds === 0 ? [] : [`"ping":${result.pingSeconds}`]),
    ...flag("pong", result.pong),
  ]);
}

export function encodeSubscribeResult(result: SubscribeResult): string {
  const { recoverable, positioned, opened } = result;
  const { position, recovered, publications } = opened;
  const tells = recoverable || positioned;
  return object([
    ...expiry(result.ttlSeconds),
    ...flag("recoverable", recoverable),
    ...(tells ? [`"epoch":${JSON.stringify(position.epoch)}`] : []),
    ...(tells && position.offset > 0 ? [`"offset":${position.offset}`] : []),
    ...flag("positioned", positioned),
    ...flag("recovered", recovered),
    ...flag("was_recovering", recovered !== undefined),
    ...list("publications", publications.map(encodePublication)),
    ...raw("data", result.data),
    ...flag("delta", result.delta),
  ]);
}

export function encodePublication(publication: SentPublication): string {
  const { data, info, offset, tags, delta } = publication;
  let encoded = `{"data":${data}`;
  if (info !== undefined) encoded += `,"info":${info}`;
  if (offset > 0) encoded += `,"offset":${offset}`;
  if (tags !== undefined) encoded += `,"tags":${JSON.stringify(tags)}`;
  if (delta) encoded += `,"delta":true`;
  return `${encoded}}`;
}

/** `user` and `client` are always there, also when empty. */
export function encodeClientInfo({ user, client, connInfo, chanInfo }: ClientInfo): string {
  return object([
    `"user":${JSON.stringify(user)}`,
    `"client":${JSON.stringify(client)}`,
    ...raw("conn_info", connInfo),
    ...raw("chan_info", chanInfo),
  ]);
}

export function encodePresence(clients: readonly ClientInfo[]): string {
  const entries = clients.map((info) => `${JSON.stringify(info.client)}:${encodeClientInfo(info)}`);
  return `{"presence":${object(entries)}}`;
}

export function encodePresenceStats({ clients, users }: PresenceStats): string {
  return `{"num_clients":${clients},"num_users":${users}}`;
}

/** Every field is always there, also when empty. */
export function encodeHistory({ top, publications }: History): string {
  const encoded = publications.map(encodePublication).join();
  return `{"publications":[${encoded}],"epoch":${JSON.stringify(top.epoch)},"offset":${top.offset}}`;
}

function object(fields: readonly string[]): string {
  return `{${fields.join()}}`;
}

function expiry(ttlSeconds: number | undefined): string[] {
  return ttlSeconds === undefined ? [] : [`"expires":true,"ttl":${ttlSeconds}`];
}

function flag(name: string, value: boolean | undefined): string[] {
  return value ? [`"${name}":true`] : [];
}

function text(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`"${name}":${JSON.stringify(value)}`];
}

function raw(name: string, json: string | undefined): string[] {
  return json === undefined ? [] : [`"${name}":${json}`];
}

function list(name: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`"${name}":[${items.join()}]`];
}
