import type { Clock } from "../core/ports/clock.ts";
import type { Deliver, Engine } from "../core/ports/engine.ts";
import type { Entropy } from "../core/ports/entropy.ts";
import type { Host } from "../core/ports/host.ts";
import type { Log } from "../core/ports/log.ts";

/** What the process around the server gives it. Tests put their own parts in. */
export interface Surroundings {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly host: Host<Request, Response>;
  readonly openEngine?: (deliver: Deliver) => Promise<Engine>;
}
