import { z } from "zod";
import { parseChannel } from "../core/channel.ts";
import { parseDeviceId } from "../core/device-id.ts";
import type { TokenClaims } from "../core/ports/tokens.ts";
import { rawMembers } from "../core/raw-json.ts";
import {
  COMMAND_FIELDS,
  END_FIELDS,
  endOf,
  INFO_FIELDS,
  jsonOf,
  parsedBy,
  SUB_FIELDS,
  toTokenSub,
} from "./claim-fields.ts";
import { malformedClaim, type Payload, userOf } from "./payload.ts";

const Sub = z.object(SUB_FIELDS);

const Claims = z.object({
  ...END_FIELDS,
  ...INFO_FIELDS,
  ...COMMAND_FIELDS,
  channels: z.array(z.string().transform(parsedBy(parseChannel))).default([]),
  subs: z.record(z.string(), Sub).transform(parsedBy(byChannel)).default([]),
  devices: z.array(z.string().transform(parsedBy(parseDeviceId))).default([]),
  /** There is one in subscription tokens only, and such a token must not let anyone in. */
  channel: z.undefined().optional(),
});

/** Reads the claims of a connection token whose signature and own times are right, or throws `token_invalid`. */
export function parseTokenClaims(payload: Payload, userClaim: string): TokenClaims {
  const parsed = Claims.safeParse(payload.claims);
  if (!parsed.success) throw malformedClaim(parsed.error);
  const { channels, subs, devices, commands, ...claims } = parsed.data;
  const raw = rawMembers(payload.text);
  const rawSubs = rawMembers(raw.get("subs") ?? "{}");
  return {
    user: userOf(payload, userClaim),
    ...endOf(claims),
    channels: [...new Set(channels)],
    subs: new Map(
      subs.map(([channel, sub]) => [
        channel,
        toTokenSub(sub, rawMembers(rawSubs.get(channel) ?? "{}")),
      ]),
    ),
    devices: [...new Set(devices)],
    ...(commands && { commands }),
    ...jsonOf("info", raw, claims.b64info),
    ...jsonOf("meta", raw),
  };
}

function byChannel(subs: Readonly<Record<string, z.infer<typeof Sub>>>) {
  return Object.entries(subs).map(([name, sub]) => [parseChannel(name), sub] as const);
}
