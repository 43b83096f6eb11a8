import type { DeliveryOptions, WebhookEndpoint } from "./delivery.ts";
import { EndpointLane } from "./endpoint-lane.ts";
import { watchFullness } from "./watch-fullness.ts";

export interface WebhookDispatcherOptions extends DeliveryOptions {
  readonly endpoints: readonly WebhookEndpoint[];
}

/**
 * Tells the backend what the outbox holds, at least once.
 *
 * Disposing waits for what is being delivered; the rest stays in the outbox for the next time.
 */
export interface WebhookDispatcher extends AsyncDisposable {
  /** Says that rows were added for these endpoints. Returns at once; who forgets it costs a delay only. */
  rowsAdded(endpoints: readonly string[]): void;
  /**
   * Why an endpoint gets nothing any more, as the end of the sentence "it …"; undefined while it gets
   * something. One that answers 410 is disabled until it is enabled or the server starts anew.
   */
  whyDisabled(endpoint: string): string | undefined;
  /** Starts again with an endpoint that is disabled. Returns at once. */
  enable(endpoint: string): void;
}

/** Starts with what the outbox holds already. */
export function createWebhookDispatcher(options: WebhookDispatcherOptions): WebhookDispatcher {
  const lanes = new Map(
    options.endpoints.map((endpoint) => [endpoint.name, new EndpointLane(endpoint, options)]),
  );
  for (const lane of lanes.values()) lane.look();
  const stopWatching = watchFullness({ ...options, endpoints: [...lanes.keys()] });
  return {
    rowsAdded(endpoints) {
      for (const endpoint of endpoints) lanes.get(endpoint)?.look();
    },
    whyDisabled: (endpoint) => lanes.get(endpoint)?.whyDisabled,
    enable: (endpoint) => lanes.get(endpoint)?.enable(),
    async [Symbol.asyncDispose]() {
      stopWatching();
      await Promise.all([...lanes.values()].map((lane) => lane.close()));
    },
  };
}
