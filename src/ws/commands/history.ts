import { Fault } from "../../core/faults.ts";
import { readHistory } from "../../core/read-history.ts";
import type { CommandOf } from "../../protocol/client-frame.ts";
import { encodeHistory } from "../../protocol/server-frame.ts";
import type { Client } from "../client.ts";
import { channelOf, requireAudience } from "./channel-access.ts";

/** A page of what the channel keeps. */
export async function history(client: Client, command: CommandOf<"history">): Promise<void> {
  const { channel: name, ...page } = command.request;
  const named = channelOf(client, name);
  if (named.rules.retention === undefined) {
    throw new Fault("feature_unavailable", { detail: "history" });
  }
  requireAudience(client, named, named.rules.allowHistory);
  const { streams, limits } = client.services;
  // An answer that weighs more than a recovery would cost the client its connection.
  const bounds = { maxBytes: limits.recoveryMaxBytes };
  const found = await readHistory(streams, named, { ...page, ...bounds });
  client.reply(command, encodeHistory(found));
}
