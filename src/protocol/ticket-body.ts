import { z } from "zod";
import { parseChannel } from "../core/channel.ts";
import { parseDeviceId } from "../core/device-id.ts";
import { checkCommandPattern } from "../core/grants.ts";
import { LIMITS } from "../core/limits.ts";
import type { TokenClaims } from "../core/ports/tokens.ts";
import { decodeBody } from "./json-body.ts";

const Names = z.array(z.string()).max(LIMITS.ticketGrantsMax);
const Patterns = z.array(z.string().min(1)).max(LIMITS.commandPatternsMax);

/** Whom the backend lets in, and to what. */
export const TicketBody = z.strictObject({
  user: z
    .string()
    .max(LIMITS.userMaxChars)
    .meta({ description: 'As the backend calls him; "" is anonymous', examples: ["anna"] }),
  channels: Names.meta({
    description: "Channels that the client is subscribed to as it comes in",
    examples: [["news:today"]],
  }).optional(),
  devices: Names.meta({
    description: "Ids of devices that he may see, besides those bound to him",
    examples: [["kiosk-7"]],
  }).optional(),
  commands: z
    .record(z.string(), Patterns)
    .refine((commands) => Object.keys(commands).length <= LIMITS.ticketGrantsMax, {
      error: `wanted at most ${LIMITS.ticketGrantsMax} devices`,
    })
    .meta({
      description: "By the id of a device: patterns of the types of commands that he may send it",
      examples: [{ "kiosk-7": ["open", "light.*"] }],
    })
    .optional(),
  ttl: z
    .int()
    .min(1)
    .max(LIMITS.ticketTtlMs / 1000)
    .describe(
      `For how many seconds the ticket can be used; ${LIMITS.ticketTtlMs / 1000} when absent`,
    )
    .optional(),
});

/** A ticket as the backend wants it. */
export interface WantedTicket {
  readonly claims: TokenClaims;
  readonly ttlMs: number;
}

/**
 * Decodes `{user, channels?, devices?, commands?, ttl?}`. Throws `body_malformed`, `ticket_invalid`, or
 * what is wrong with the name of a channel, a device or a pattern.
 */
export function decodeTicketBody(text: string): WantedTicket {
  const {
    user,
    channels = [],
    devices = [],
    commands = {},
    ttl,
  } = decodeBody(TicketBody, text, "ticket_invalid");
  return {
    claims: {
      user,
      channels: [...new Set(channels.map(parseChannel))],
      subs: new Map(),
      devices: [...new Set(devices.map(parseDeviceId))],
      commands: new Map(
        Object.entries(commands).map(([device, patterns]) => [
          parseDeviceId(device),
          patterns.map(checkCommandPattern),
        ]),
      ),
    },
    ttlMs: ttl === undefined ? LIMITS.ticketTtlMs : ttl * 1000,
  };
}
