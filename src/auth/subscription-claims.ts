import { z } from "zod";
import { Fault } from "../core/faults.ts";
import type { SubscriptionClaims, SubscriptionTarget } from "../core/ports/tokens.ts";
import { rawMembers } from "../core/raw-json.ts";
import { END_FIELDS, endOf, SUB_FIELDS, toTokenSub } from "./claim-fields.ts";
import { malformedClaim, type Payload, userOf } from "./payload.ts";

const Claims = z.object({
  ...END_FIELDS,
  ...SUB_FIELDS,
  channel: z.string().min(1),
  /** The one connection that may use it; "" is any. */
  client: z.string().default(""),
});

export interface SubscriptionExpectation extends SubscriptionTarget {
  readonly userClaim: string;
}

/**
 * Reads the claims of a subscription token whose signature and own times are right. Throws
 * `token_invalid`, or `subscription_token_mismatch` when it is for someone or something else.
 */
export function parseSubscriptionClaims(
  payload: Payload,
  { channel, user, client, userClaim }: SubscriptionExpectation,
): SubscriptionClaims {
  const parsed = Claims.safeParse(payload.claims);
  if (!parsed.success) throw malformedClaim(parsed.error);
  const { data: claims } = parsed;
  if (claims.channel !== channel) throw mismatch("channel");
  if (userOf(payload, userClaim) !== user) throw mismatch("user");
  if (claims.client !== "" && claims.client !== client) throw mismatch("client");
  return { ...endOf(claims), ...toTokenSub(claims, rawMembers(payload.text)) };
}

function mismatch(what: string): Fault {
  return new Fault("subscription_token_mismatch", { detail: `it is for another ${what}` });
}
