import type { Config } from "../config/config.ts";
import { deviceRetention } from "../core/namespaces.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Engine } from "../core/ports/engine.ts";
import type { Entropy } from "../core/ports/entropy.ts";
import type { Log } from "../core/ports/log.ts";
import { createSqliteEngine } from "../engine/sqlite/engine.ts";

interface Surroundings {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
}

/** Opens the configured store beside a server that may be running, for work of which nobody has to be told. */
export function openStore(
  { store, namespaces }: Pick<Config, "store" | "namespaces">,
  around: Surroundings,
): Promise<Engine> {
  return createSqliteEngine({
    ...around,
    ...store,
    deliver: () => {},
    outboxGrew: () => {},
    ownEvents: { retention: deviceRetention(namespaces), endpoints: {} },
  });
}
