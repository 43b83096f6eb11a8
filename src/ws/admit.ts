import { type Channel, parseNamedChannel } from "../core/channel.ts";
import { Fault } from "../core/faults.ts";
import { decideSubscribe, needsBinding } from "../core/grants.ts";
import { requireRules } from "../core/namespaces.ts";
import type { Position } from "../core/publication.ts";
import type { CommandOf, ConnectRequest } from "../protocol/client-frame.ts";
import { DISCONNECT, type Disconnect, ERROR, type ProtocolError } from "../protocol/codes.ts";
import { connectPush } from "../protocol/push-frame.ts";
import { encodeConnectResult, encodeReply } from "../protocol/server-frame.ts";
import { type Admitted, VISITOR } from "./admission.ts";
import type { Client } from "./client.ts";
import { platformOf } from "./client-platform.ts";
import { subscriptionsOf } from "./device-subscriptions.ts";
import { Disconnection, Refusal, toProtocolError } from "./protocol-error.ts";
import { encodeResume } from "./resume.ts";
import type { ServerSubscription } from "./server-side.ts";
import { sinceIn } from "./since-in.ts";
import { welcome } from "./welcome.ts";

/** Lets a client in by its connect command, or answers why not. */
export async function admitByCommand(client: Client, command: CommandOf<"connect">): Promise<void> {
  const { request, data } = command;
  try {
    const admitted = await admit(client, request, data);
    await welcome(client, {
      admitted,
      subs: admitted.subs,
      sinceOf: (channel) => sinceIn(request.subs?.[channel]),
      encode: (result) => encodeReply(command.id, "connect", encodeConnectResult(result)),
    });
  } catch (error) {
    const refusal = refusalOf(error, client);
    if ("disconnect" in refusal) client.end(refusal.disconnect);
    else client.refused(command.id, refusal.error);
  }
}

/** Lets in a client that will only listen: its connect is no command, so no reply can refuse it. */
export async function admitUnidirectional(
  client: Client,
  { request, data }: CommandOf<"connect">,
): Promise<void> {
  await admitOrClose(client, async () => {
    const admitted = await admit(client, request, data);
    await welcome(client, {
      admitted,
      subs: [...admitted.subs, ...requestedIn(request, admitted, client)],
      sinceOf: (channel) => sinceIn(request.subs?.[channel]),
      encode: (result) => connectPush("unidirectional", result),
    });
  });
}

/** What the handshake of /login said in place of a connect command. */
export interface HandshakeConnect {
  /** "" when it brought none. */
  readonly token: string;
  /** Someone without credentials may stay, without any right. */
  readonly visitors: boolean;
  /** Devices it would like to hear. Only where everything is allowed is a wish enough. */
  readonly devices: readonly string[];
  /** It wants the newest state of each device whose channel it is subscribed to. */
  readonly withStates: boolean;
  readonly sinceOf: (channel: Channel) => readonly Position[];
}

/** Lets a client in by its handshake, or closes with a code: a phone cannot read a refused handshake. */
export async function admitByHandshake(client: Client, connect: HandshakeConnect): Promise<void> {
  await admitOrClose(client, async () => {
    const known = await client.services.admission.admit({
      client,
      token: connect.token,
      channels: [],
    });
    const admitted = known ?? (connect.visitors ? VISITOR : undefined);
    if (admitted === undefined)
      throw new Disconnection(DISCONNECT.badRequest, "it brought no credentials");
    await welcome(client, {
      admitted,
      subs: subscriptionsOf(client, admitted, connect.devices),
      hearsDevices: true,
      withStates: connect.withStates,
      sinceOf: connect.sinceOf,
      encode: (result) =>
        connectPush("bidirectional", { ...result, resume: encodeResume(result.subs) }),
    });
  });
}

async function admit(
  client: Client,
  { token = "", name, version, headers = {}, subs = {} }: ConnectRequest,
  data: string | undefined,
): Promise<Admitted> {
  const { admission, clientHeaders } = client.services;
  const named = Object.entries(headers).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  );
  client.platform = platformOf(name);
  client.emulateHeaders(Object.fromEntries(named.filter(([name]) => clientHeaders.includes(name))));
  const admitted = await admission.admit({
    client,
    token,
    channels: Object.keys(subs),
    ...(name !== undefined && { name }),
    ...(version !== undefined && { version }),
    ...(data !== undefined && { data }),
  });
  if (admitted === undefined)
    throw new Disconnection(DISCONNECT.badRequest, "it brought no credentials");
  return admitted;
}

/** What a client that cannot send commands would subscribe to; denied unless it could do so itself. */
function requestedIn(
  { subs = {} }: ConnectRequest,
  { identity, subs: given }: Admitted,
  { services: { namespaces, limits } }: Client,
): ServerSubscription[] {
  const known = new Set(given.map(({ channel }) => channel));
  const asked = Object.entries(subs).map(([name, sub]) => ({
    channel: parseNamedChannel(name, limits.channelMaxChars),
    ...sub,
  }));
  return asked
    .filter(({ channel }) => !known.has(channel))
    .map(({ channel, recover }) => {
      const rules = requireRules(channel, namespaces);
      const decision = decideSubscribe(identity, channel, rules);
      if (decision !== "allowed") throw new Fault("channel_denied", { detail: channel });
      return {
        channel,
        needsBinding: needsBinding(identity, channel, rules),
        ...(recover && { override: { forceRecovery: true } }),
      };
    });
}

async function admitOrClose(client: Client, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const refusal = refusalOf(error, client);
    const isTicket = error instanceof Fault && error.code === "ticket_refused";
    if (isTicket) client.end(DISCONNECT.ticketInvalid);
    else client.end("disconnect" in refusal ? refusal.disconnect : disconnectFor(refusal.error));
  }
}

/** A connect ends in an error reply or in a close, and the log says why. */
function refusalOf(
  error: unknown,
  { id, services }: Client,
): { readonly disconnect: Disconnect } | { readonly error: ProtocolError } {
  if (error instanceof Disconnection) {
    services.log.info("client.refused", { client: id, why: error.message });
    return { disconnect: error.disconnect };
  }
  if (error instanceof Fault || error instanceof Refusal) {
    services.log.info("client.refused", { client: id, why: error.message });
  } else {
    services.log.error("ws.bug", { client: id, error });
  }
  return error instanceof Fault && error.code === "token_invalid"
    ? { disconnect: DISCONNECT.invalidToken }
    : { error: toProtocolError(error) };
}

/** The close code for a refused connect where there are no replies. */
function disconnectFor({ code }: ProtocolError): Disconnect {
  switch (code) {
    case ERROR.tokenExpired.code:
    case ERROR.expired.code:
      return DISCONNECT.expired;
    case ERROR.tooManyRequests.code:
      return DISCONNECT.tooManyRequests;
    case ERROR.permissionDenied.code:
      return DISCONNECT.permissionDenied;
    default:
      return DISCONNECT.internal;
  }
}
