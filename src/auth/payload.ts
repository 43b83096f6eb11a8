import type { z } from "zod";
import { Fault } from "../core/faults.ts";
import { LIMITS } from "../core/limits.ts";

/** The claims of a token whose signature and times are right, nothing else checked yet. */
export interface Payload {
  readonly claims: Readonly<Record<string, unknown>>;
  /** The JSON text they come from. */
  readonly text: string;
}

/** What is wanted of each claim, to complete "wanted …". Claims that are not named here are not ours. */
const WANTED: Readonly<Record<string, string>> = {
  exp: "seconds since 1970",
  expire_at: "seconds since 1970, or 0",
  b64info: "JSON in base64",
  b64data: "JSON in base64",
  channels: "a list of channel names",
  subs: "an object of objects by channel name",
  devices: "a list of device ids",
  commands: `an object of lists by device id, each of at most ${LIMITS.commandPatternsMax} patterns of command types`,
  channel: "one channel name in a subscription token and none in others",
  client: "the id of a connection",
  override: 'an object such as {"presence":{"value":true}}',
};

/** The user a token is for; "" when it names none. */
export function userOf({ claims }: Payload, userClaim: string): string {
  const user = Object.hasOwn(claims, userClaim) ? claims[userClaim] : "";
  if (typeof user === "string") return user;
  throw invalid(`its claim ${userClaim} is malformed, wanted a text`);
}

/** Says which claim is wrong and what was wanted, never what was found. */
export function malformedClaim({ issues }: z.ZodError): Fault {
  const claim = String(issues[0]?.path[0] ?? "");
  return invalid(`its claim ${claim} is malformed, wanted ${WANTED[claim] ?? "another form"}`);
}

export function invalid(detail: string): Fault {
  return new Fault("token_invalid", { detail });
}
