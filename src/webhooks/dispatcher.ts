import { detach } from "../core/detach.ts";
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
  /**
   * From now on these are the endpoints. What is on its way to one that is gone or has changed ends as
   * it began; what waits for one that is gone waits on, until there is one of its name again. One that
   * was disabled is asked again if it has changed: if it is another object than before.
   */
  replaceEndpoints(endpoints: readonly WebhookEndpoint[]): void;
}

/** Starts with what the outbox holds already. */
export function createWebhookDispatcher(options: WebhookDispatcherOptions): WebhookDispatcher {
  const lanes = new Map<string, EndpointLane>();
  /** Of endpoints that are no more, while something is on its way to them. */
  const closing = new Set<Promise<void>>();

  function replaceEndpoints(endpoints: readonly WebhookEndpoint[]): void {
    const names = new Set(endpoints.map(({ name }) => name));
    for (const [name, lane] of [...lanes]) if (!names.has(name)) close(name, lane);
    for (const endpoint of endpoints) {
      const lane = lanes.get(endpoint.name) ?? new EndpointLane(endpoint, options);
      lanes.set(endpoint.name, lane);
      lane.replaceEndpoint(endpoint);
      lane.look();
    }
  }

  function close(name: string, lane: EndpointLane): void {
    lanes.delete(name);
    const closed = lane.close().finally(() => closing.delete(closed));
    closing.add(closed);
    detach(options.log, "webhook_close", () => closed);
  }

  replaceEndpoints(options.endpoints);
  const stopWatching = watchFullness({ ...options, endpoints: () => [...lanes.keys()] });
  return {
    replaceEndpoints,
    rowsAdded(endpoints) {
      for (const endpoint of endpoints) lanes.get(endpoint)?.look();
    },
    whyDisabled: (endpoint) => lanes.get(endpoint)?.whyDisabled,
    enable: (endpoint) => lanes.get(endpoint)?.enable(),
    async [Symbol.asyncDispose]() {
      stopWatching();
      await Promise.all([...closing, ...[...lanes.values()].map((lane) => lane.close())]);
    },
  };
}
