import type { WebhookEndpoint } from "./delivery.ts";
import { createSigner } from "./signature.ts";

/** How the configuration tells of one endpoint. */
export interface EndpointSettings {
  readonly name: string;
  readonly url: string;
  /** What the signature is made with. */
  readonly secret: string;
}

/** The endpoints of a configuration, ready to be told of events. */
export function createWebhookEndpoints(
  settings: readonly EndpointSettings[],
): readonly WebhookEndpoint[] {
  return settings.map(({ name, url, secret }) => ({ name, url, signer: createSigner(secret) }));
}
