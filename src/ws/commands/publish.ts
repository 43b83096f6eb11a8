import { Fault } from "../../core/faults.ts";
import { belongsTo } from "../../core/grants.ts";
import type { PublishRequest } from "../../core/publisher.ts";
import type { CommandOf } from "../../protocol/client-frame.ts";
import { encodeClientInfo } from "../../protocol/server-frame.ts";
import { resultFrom } from "../backend-answer.ts";
import type { Client } from "../client.ts";
import { channelOf, type NamedChannel, requireAudience } from "./channel-access.ts";

/** Publishes for a client; subscribers see who it was. */
export async function publish(client: Client, command: CommandOf<"publish">): Promise<void> {
  const named = channelOf(client, command.request.channel);
  const { data } = command;
  if (data === undefined) throw new Fault("data_missing");
  const asked = await permitted(client, named, data);
  const info = encodeClientInfo(client.subscriptions.get(named.channel)?.info ?? client.info());
  await client.services.publisher.publish({ ...asked, channel: named.channel, info });
  client.reply(command, "{}");
}

/** What may be published: as the client wants it, or as the backend changed it. */
async function permitted(
  client: Client,
  named: NamedChannel,
  data: string,
): Promise<Omit<PublishRequest, "channel" | "info">> {
  const { backend } = client.services;
  const { rules, identity, channel } = named;
  if (!rules.publishCallback || backend.publish === undefined) {
    requireAudience(client, named, rules.allowPublish);
    return { data };
  }
  if (belongsTo("none", identity, false)) return { data };
  const question = { ...client.asBackendUser(), channel, data };
  const { version, versionEpoch: epoch, ...granted } = resultFrom(await backend.publish(question));
  return { data, ...granted, version: { version, epoch } };
}
