import type { ConfigLimits } from "../config/config.ts";
import type { Live } from "../core/live.ts";
import type { Lifecycle } from "../http/lifecycle.ts";
import type { Gateway } from "../ws/gateway.ts";
import type { DrainPace } from "../ws/send-away.ts";
import type { Listeners } from "./listeners.ts";
import type { LiveParts } from "./live-parts.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Terminals } from "./terminals.ts";

export interface Draining {
  readonly live: Live<LiveParts>;
  readonly parts: {
    readonly gateway: Gateway;
    readonly terminals: Pick<Terminals, "drain">;
    readonly lifecycle: Lifecycle;
  };
  readonly listeners: Pick<Listeners, "stop">;
  /** Aborts when nobody wants to wait any longer. */
  readonly forced?: AbortSignal;
}

/** Takes no more work, sends everybody away and finishes what runs; false when time was up before. */
export async function drain(
  { host, clock, log }: Surroundings,
  { live, parts, listeners, forced }: Draining,
): Promise<boolean> {
  const { limits } = live.current.config;
  const { drainSpreadMs, drainTimeoutMs } = limits;
  parts.lifecycle.startDraining();
  log.info("server.draining", { spreadMs: drainSpreadMs, timeoutMs: drainTimeoutMs });
  const finished = async () => {
    await Promise.all([
      parts.terminals.drain(),
      // Behind the last of those that go at a pace may be some that were just being let in.
      parts.gateway.sendAway(drainPace(limits)).then(() => parts.gateway.drain(drainSpreadMs)),
      parts.lifecycle.idle(),
    ]);
  };
  // Where sockets and bodies end with the listener, it may stop only after them.
  const done = host.capabilities.stopKeepsSockets
    ? Promise.all([finished(), listeners.stop()])
    : finished().then(() => listeners.stop());
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const cancel = clock.after(drainTimeoutMs, () => resolve(false));
  forced?.addEventListener("abort", () => resolve(false), { once: true });
  if (forced?.aborted === true) resolve(false);
  const isFinished = await Promise.race([done.then(() => true), late]);
  cancel();
  return isFinished;
}

/** At which pace clients go under these limits: there has to be time left for what they do at last. */
export function drainPace({ drainPace: perSecond, ...limits }: ConfigLimits): DrainPace {
  const { drainSpreadMs: spreadMs, drainTimeoutMs } = limits;
  return { perSecond, spreadMs, withinMs: drainTimeoutMs / 2 };
}
