import { Fault } from "../../core/faults.ts";
import { decideSubscribe } from "../../core/grants.ts";
import type { SubscriptionClaims } from "../../core/ports/tokens.ts";
import type { CommandOf } from "../../protocol/client-frame.ts";
import { DISCONNECT, ERROR } from "../../protocol/codes.ts";
import { resultFrom } from "../backend-answer.ts";
import type { Client } from "../client.ts";
import { Disconnection, Refusal } from "../protocol-error.ts";
import type { NamedChannel } from "./channel-access.ts";

/**
 * What lets the client into the channel, and what comes with it. A token decides alone; without one
 * the rules do, and where they leave it open the backend is asked.
 */
export async function permitOf(
  client: Client,
  named: NamedChannel,
  command: CommandOf<"subscribe">,
): Promise<SubscriptionClaims> {
  const { token = "" } = command.request;
  if (token !== "") return verifySubscription(client, named, token);
  switch (decideSubscribe(named.identity, named.channel, named.rules)) {
    case "allowed":
      return {};
    case "ask":
      return askBackend(client, named, command);
    case "needs_token":
    case "denied":
      throw new Fault("channel_denied");
  }
}

/** Checks a subscription token; one of another channel, user or client ends the connection. */
export async function verifySubscription(
  client: Client,
  { channel, identity }: NamedChannel,
  token: string,
): Promise<SubscriptionClaims> {
  try {
    const { tokens } = client.services;
    if (tokens === undefined) throw new Fault("token_invalid");
    const target = { channel, user: identity.user, client: client.id };
    return await tokens.verifySubscription(token, target);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.code === "subscription_token_mismatch") {
      throw new Disconnection(DISCONNECT.invalidToken);
    }
    if (error.code === "token_invalid") throw new Refusal(ERROR.permissionDenied);
    throw error;
  }
}

async function askBackend(
  client: Client,
  { channel }: NamedChannel,
  { data }: CommandOf<"subscribe">,
): Promise<SubscriptionClaims> {
  const { backend, clock } = client.services;
  if (backend.subscribe === undefined) throw new Fault("channel_denied");
  const question = { ...client.asBackendUser(), channel, ...(data !== undefined && { data }) };
  const granted = resultFrom(await backend.subscribe(question));
  const { expiresAtMs } = granted;
  if (expiresAtMs !== undefined && expiresAtMs <= clock.nowMs()) throw new Refusal(ERROR.expired);
  return granted;
}
