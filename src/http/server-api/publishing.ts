import { parseChannel } from "../../core/channel.ts";
import { Fault } from "../../core/faults.ts";
import { LIMITS } from "../../core/limits.ts";
import { mapInTurns } from "../../core/map-in-turns.ts";
import type { PublishRequest } from "../../core/publisher.ts";
import type { ApiCallOf } from "../../protocol/server-api.ts";
import {
  type ApiOutcome,
  encodeBroadcastResult,
  encodePublishResult,
} from "../../protocol/server-api-answer.ts";
import { toApiError } from "./api-error.ts";
import type { ApiServices } from "./api-services.ts";
import { payloadOf } from "./payload.ts";

type Publication = Omit<PublishRequest, "channel">;

/** Publishes to one channel. */
export function publish(services: ApiServices, call: ApiCallOf<"publish">): Promise<string> {
  return publishTo(services, call.request.channel, publicationOf(call));
}

/** Publishes the same to each channel, with an answer for each. */
export async function broadcast(
  services: ApiServices,
  call: ApiCallOf<"broadcast">,
): Promise<string> {
  const publication = publicationOf(call);
  const publishOne = async (channel: string): Promise<ApiOutcome> => {
    try {
      return { result: await publishTo(services, channel, publication) };
    } catch (error) {
      return { error: toApiError(error, call.method, services.log) };
    }
  };
  const { channels } = call.request;
  return encodeBroadcastResult(await mapInTurns(channels, LIMITS.apiCommandsAtATime, publishOne));
}

async function publishTo(
  { publisher, trace }: ApiServices,
  channel: string,
  publication: Publication,
): Promise<string> {
  return encodePublishResult(
    await publisher.publish({ ...publication, channel: parseChannel(channel), trace }),
  );
}

function publicationOf({ request, payloads }: ApiCallOf<"publish" | "broadcast">): Publication {
  const data = payloadOf("data", payloads, request);
  if (data === undefined) {
    throw new Fault("api_request_invalid", { detail: "data: wanted any JSON" });
  }
  const { tags, idempotency_key, version, version_epoch } = request;
  return {
    data,
    ...(tags && { tags }),
    ...(request.skip_history && { skipHistory: true }),
    ...(idempotency_key && { idempotencyKey: idempotency_key }),
    ...(version && { version: { version, epoch: version_epoch ?? "" } }),
  };
}
