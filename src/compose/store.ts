import { type Live, livePart, liveRecord } from "../core/live.ts";
import type { Deliver, Engine } from "../core/ports/engine.ts";
import { createSqliteEngine } from "../engine/sqlite/engine.ts";
import { lockForServing } from "../engine/sqlite/serving-lock.ts";
import type { OutboxGrew } from "../engine/sqlite/tell-committed.ts";
import type { LiveParts } from "./live-parts.ts";
import type { Surroundings } from "./surroundings.ts";

export interface StoreParts {
  readonly opening: AsyncDisposableStack;
  readonly deliver: Deliver;
  readonly outboxGrew: OutboxGrew;
}

/** Opens what this server alone may serve. It closes with `opening`. */
export async function openServedStore(
  live: Live<LiveParts>,
  around: Surroundings,
  { opening, ...listeners }: StoreParts,
): Promise<Engine> {
  const { store } = live.current.config;
  if (store.location !== "memory") opening.use(lockForServing(store.location.file));
  if (around.openEngine !== undefined) {
    return opening.use(await around.openEngine(listeners.deliver));
  }
  const ownEvents = liveRecord(livePart(live, (parts) => parts.ownEvents));
  return opening.use(await createSqliteEngine({ ...around, ...store, ...listeners, ownEvents }));
}
