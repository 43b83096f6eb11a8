import type { Config } from "../config/config.ts";
import type { Courier } from "../core/ports/courier.ts";
import type { Outbox } from "../core/ports/outbox.ts";
import { createWebhookDispatcher, type WebhookDispatcher } from "../webhooks/dispatcher.ts";
import { createWebhookEndpoints } from "../webhooks/endpoints.ts";
import type { Surroundings } from "./surroundings.ts";

export interface WebhookParts {
  readonly outbox: Outbox;
  readonly courier: Courier;
}

/** Starts to tell the backend what the outbox holds, also what an earlier process was about to tell. */
export async function startWebhooks(
  { webhooks }: Config,
  { clock, entropy, log }: Surroundings,
  parts: WebhookParts,
): Promise<WebhookDispatcher> {
  await parts.outbox.endLeases();
  const endpoints = createWebhookEndpoints(webhooks);
  return createWebhookDispatcher({ ...parts, clock, entropy, log, endpoints });
}
