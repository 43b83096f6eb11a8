import { Fault } from "../../core/faults.ts";
import { type ApiCall, decodeApiCall } from "../../protocol/server-api.ts";
import { type ApiOutcome, encodeNodes } from "../../protocol/server-api-answer.ts";
import { describeNode } from "../../ws/node-info.ts";
import { toApiError } from "./api-error.ts";
import type { ApiServices } from "./api-services.ts";
import { channels, history, historyRemove, presence, presenceStats } from "./channels.ts";
import { disconnect, refresh, subscribe, unsubscribe } from "./clients.ts";
import { broadcast, publish } from "./publishing.ts";

/** Does one call, given as JSON text, and tells what came of it. Never rejects. */
export async function performCall(
  services: ApiServices,
  method: string,
  request: string,
): Promise<ApiOutcome> {
  try {
    const result = await run(services, decodeApiCall(method, request));
    services.log.debug("api.called", { method });
    return { result };
  } catch (error) {
    return { error: toApiError(error, method, services.log) };
  }
}

function run(services: ApiServices, call: ApiCall): Promise<string> | string {
  switch (call.method) {
    case "publish":
      return publish(services, call);
    case "broadcast":
      return broadcast(services, call);
    case "subscribe":
      return subscribe(services, call);
    case "unsubscribe":
      return unsubscribe(services, call);
    case "disconnect":
      return disconnect(services, call);
    case "refresh":
      return refresh(services, call);
    case "presence":
      return presence(services, call);
    case "presence_stats":
      return presenceStats(services, call);
    case "history":
      return history(services, call);
    case "history_remove":
      return historyRemove(services, call);
    case "channels":
      return channels(services, call);
    case "info":
      return encodeNodes([describeNode(services, services.clock.monotonicMs())]);
    case "rpc":
      // Methods of the operator's own have no place to be registered.
      throw new Fault("method_unknown", { detail: `rpc ${call.request.method}` });
  }
}
