import { parseChannel } from "../../core/channel.ts";
import type { CommandOf } from "../../protocol/client-frame.ts";
import type { Client } from "../client.ts";

/** Leaving a channel that one is not in is no error. */
export function unsubscribe(client: Client, command: CommandOf<"unsubscribe">): void {
  client.subscriptions.leave(parseChannel(command.request.channel));
  client.reply(command, "{}");
}
