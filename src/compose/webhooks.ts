import type { Courier } from "../core/ports/courier.ts";
import type { Outbox } from "../core/ports/outbox.ts";
import { createWebhookDispatcher, type WebhookDispatcher } from "../webhooks/dispatcher.ts";
import type { LiveParts } from "./live-parts.ts";
import type { Surroundings } from "./surroundings.ts";

export interface WebhookParts {
  readonly outbox: Outbox;
  readonly courier: Courier;
}

/** Starts to tell the backend what the outbox holds, also what an earlier process was about to tell. */
export async function startWebhooks(
  { webhooks: endpoints }: LiveParts,
  { clock, entropy, log, metrics }: Surroundings,
  parts: WebhookParts,
): Promise<WebhookDispatcher> {
  await parts.outbox.endLeases();
  return createWebhookDispatcher({ ...parts, clock, entropy, log, metrics, endpoints });
}
