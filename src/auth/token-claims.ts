import { z } from "zod";
import { type Channel, parseChannel } from "../core/channel.ts";
import { parseDeviceId } from "../core/device-id.ts";
import type { TokenClaims } from "../core/ports/tokens.ts";
import {
  END_FIELDS,
  endOf,
  INFO_FIELDS,
  Json,
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
  meta: Json.optional(),
  channels: z.array(z.string().transform(parsedBy(parseChannel))).default([]),
  subs: z.record(z.string(), Sub).transform(parsedBy(toSubs)).default(new Map()),
  devices: z.array(z.string().transform(parsedBy(parseDeviceId))).default([]),
  /** There is one in subscription tokens only, and such a token must not let anyone in. */
  channel: z.undefined().optional(),
});

/** Reads the claims of a connection token whose signature and own times are right, or throws `token_invalid`. */
export function parseTokenClaims(payload: Payload, userClaim: string): TokenClaims {
  const parsed = Claims.safeParse(payload);
  if (!parsed.success) throw malformedClaim(parsed.error);
  const { channels, subs, devices, meta, ...claims } = parsed.data;
  return {
    user: userOf(payload, userClaim),
    ...endOf(claims),
    channels: [...new Set(channels)],
    subs,
    devices: [...new Set(devices)],
    ...jsonOf("info", claims),
    ...(meta !== undefined && { meta }),
  };
}

function toSubs(subs: Readonly<Record<string, z.infer<typeof Sub>>>): TokenClaims["subs"] {
  return new Map(
    Object.entries(subs).map(([name, sub]): [Channel, ReturnType<typeof toTokenSub>] => [
      parseChannel(name),
      toTokenSub(sub),
    ]),
  );
}
