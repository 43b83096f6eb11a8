import { Fault } from "../../core/faults.ts";
import { parseOverride } from "../../core/subscription-override.ts";
import type { Disconnect } from "../../protocol/codes.ts";
import type { ApiCallOf } from "../../protocol/server-api.ts";
import {
  clientsAt,
  disconnectClients,
  refreshClients,
  subscribeClients,
  unsubscribeClients,
} from "../../ws/server-orders.ts";
import type { ApiServices } from "./api-services.ts";
import { knownChannel } from "./channels.ts";
import { optionalPayload } from "./payload.ts";

/** Of a close frame (RFC 6455 §5.5). */
const REASON_MAX_BYTES = 123;
const NOTHING = "{}";

/** Subscribes live clients of a user without their asking. */
export async function subscribe(
  services: ApiServices,
  { request, payloads }: ApiCallOf<"subscribe">,
): Promise<string> {
  const { channel } = knownChannel(services, request.channel);
  const { override, recover_since: since } = request;
  await subscribeClients(clientsAt(services.registry, request), {
    channel,
    ...optionalPayload("info", payloads, request),
    ...optionalPayload("data", payloads, request),
    ...endIn(services, request.expire_at),
    ...(override !== undefined && { override: parseOverride(override) }),
    ...(since && { since: [since] }),
  });
  return NOTHING;
}

/** Ends subscriptions of live clients, however they began. */
export function unsubscribe(services: ApiServices, { request }: ApiCallOf<"unsubscribe">): string {
  const channel = request.channel ? knownChannel(services, request.channel).channel : undefined;
  unsubscribeClients(clientsAt(services.registry, request), channel);
  return NOTHING;
}

/** Ends connections. */
export function disconnect(services: ApiServices, { request }: ApiCallOf<"disconnect">): string {
  const kept = new Set(request.whitelist);
  const clients = clientsAt(services.registry, request).filter(({ id }) => !kept.has(id));
  disconnectClients(clients, disconnectOf(request));
  return NOTHING;
}

/** Gives connections another end. */
export function refresh(
  services: ApiServices,
  { request, payloads }: ApiCallOf<"refresh">,
): string {
  const { expired, expire_at } = request;
  refreshClients(clientsAt(services.registry, request), {
    ...(expired ? { expiresAtMs: 0 } : endOf(expire_at)),
    ...optionalPayload("info", payloads, {}),
  });
  return NOTHING;
}

function disconnectOf({
  disconnect: wanted,
}: ApiCallOf<"disconnect">["request"]): Disconnect | undefined {
  if (wanted === undefined) return undefined;
  const { code, reason = "" } = wanted;
  if (new TextEncoder().encode(reason).byteLength <= REASON_MAX_BYTES) return { code, reason };
  const detail = `disconnect.reason: wanted at most ${REASON_MAX_BYTES} bytes`;
  throw new Fault("api_request_invalid", { detail });
}

function endOf(expireAtSeconds = 0): { readonly expiresAtMs?: number } {
  return expireAtSeconds === 0 ? {} : { expiresAtMs: expireAtSeconds * 1000 };
}

function endIn({ clock }: ApiServices, expireAtSeconds?: number) {
  const end = endOf(expireAtSeconds);
  if (end.expiresAtMs === undefined || end.expiresAtMs > clock.nowMs()) return end;
  throw new Fault("api_request_invalid", { detail: "expire_at: it is over already" });
}
