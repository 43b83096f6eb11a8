import { Fault } from "../../core/faults.ts";
import type { CommandOf } from "../../protocol/client-frame.ts";
import { DISCONNECT, ERROR } from "../../protocol/codes.ts";
import { encodeExpiry } from "../../protocol/push-frame.ts";
import type { Client } from "../client.ts";
import { ttlOf } from "../open-subscription.ts";
import { Disconnection, toProtocolError } from "../protocol-error.ts";

/** Takes a new token for the connection; a bad one ends it, and so does one where the backend is asked. */
export async function refresh(client: Client, command: CommandOf<"refresh">): Promise<void> {
  const { backend, clock } = client.services;
  if (backend.refresh !== undefined) throw new Disconnection(DISCONNECT.badRequest);
  const claims = await verify(client, command.request.token);
  client.renewed(claims);
  const { expiresAtMs } = claims;
  client.reply(command, encodeExpiry(ttlOf(expiresAtMs, clock.nowMs()).ttlSeconds));
}

async function verify(client: Client, token: string) {
  const { tokens } = client.services;
  try {
    if (tokens === undefined) throw new Fault("token_invalid");
    const claims = await tokens.verify(token);
    if (claims.user === client.identity.user) return claims;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (toProtocolError(error) === ERROR.tokenExpired) throw new Disconnection(DISCONNECT.expired);
    if (error.kind !== "unauthenticated") throw error;
  }
  throw new Disconnection(DISCONNECT.invalidToken);
}
