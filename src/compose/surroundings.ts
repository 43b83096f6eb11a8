import type { Clock } from "../core/ports/clock.ts";
import type { Deliver, Engine } from "../core/ports/engine.ts";
import type { Entropy } from "../core/ports/entropy.ts";
import type { Host } from "../core/ports/host.ts";
import type { Log } from "../core/ports/log.ts";
import type { ShownMetrics } from "../telemetry/metrics.ts";
import type { ProcessUsage } from "../telemetry/process-figures.ts";

/** What the process around the server gives it. Tests put their own parts in. */
export interface Surroundings {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly metrics: ShownMetrics;
  readonly usage: () => ProcessUsage;
  readonly host: Host<Request, Response>;
  readonly openEngine?: (deliver: Deliver) => Promise<Engine>;
}
