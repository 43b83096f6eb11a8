import type { Config } from "../config/config.ts";
import { deviceRetention } from "../core/namespaces.ts";
import { OWN_EVENT_TYPES } from "../core/own-event.ts";
import type { Deliver, Engine } from "../core/ports/engine.ts";
import type { WebhookRoutes } from "../core/webhook-routes.ts";
import { createSqliteEngine } from "../engine/sqlite/engine.ts";
import { lockForServing } from "../engine/sqlite/serving-lock.ts";
import type { OutboxGrew } from "../engine/sqlite/tell-committed.ts";
import type { Surroundings } from "./surroundings.ts";

export interface StoreParts {
  readonly opening: AsyncDisposableStack;
  readonly deliver: Deliver;
  readonly outboxGrew: OutboxGrew;
  /** The webhooks that want an event. */
  readonly routes: WebhookRoutes;
}

/** Opens what this server alone may serve. It closes with `opening`. */
export async function openServedStore(
  { store, namespaces }: Config,
  around: Surroundings,
  { opening, routes, ...listeners }: StoreParts,
): Promise<Engine> {
  if (store.location !== "memory") opening.use(lockForServing(store.location.file));
  if (around.openEngine !== undefined) {
    return opening.use(await around.openEngine(listeners.deliver));
  }
  const ownEvents = {
    retention: deviceRetention(namespaces),
    endpoints: Object.fromEntries(OWN_EVENT_TYPES.map((type) => [type, routes(type)])),
  };
  return opening.use(await createSqliteEngine({ ...around, ...store, ...listeners, ownEvents }));
}
