import { Fault } from "../../core/faults.ts";
import type { CommandOf } from "../../protocol/client-frame.ts";
import { encodeExpiry } from "../../protocol/push-frame.ts";
import type { Client } from "../client.ts";
import { ttlOf } from "../open-subscription.ts";
import { channelOf } from "./channel-access.ts";
import { verifySubscription } from "./permit.ts";

/** Takes a new token for one subscription. */
export async function subRefresh(client: Client, command: CommandOf<"sub_refresh">): Promise<void> {
  const named = channelOf(client, command.request.channel);
  const { channel } = named;
  if (client.subscriptions.get(channel) === undefined) throw new Fault("channel_denied");
  const { expiresAtMs } = await verifySubscription(client, named, command.request.token);
  client.subscriptions.expireAt(channel, expiresAtMs);
  const { clock } = client.services;
  client.reply(command, encodeExpiry(ttlOf(expiresAtMs, clock.nowMs()).ttlSeconds));
}
