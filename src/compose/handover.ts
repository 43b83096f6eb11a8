import { detach } from "../core/detach.ts";
import { LIMITS } from "../core/limits.ts";
import type { Live } from "../core/live.ts";
import { TAKEOVER_LIMITS } from "../core/takeover-limits.ts";
import type { Doorway } from "../http/doorway.ts";
import type { Entry } from "../http/entry.ts";
import type { Lifecycle } from "../http/lifecycle.ts";
import type { Gateway } from "../ws/gateway.ts";
import { drainPace } from "./drain.ts";
import type { Listeners } from "./listeners.ts";
import type { LiveParts } from "./live-parts.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Terminals } from "./terminals.ts";

/** The server that a new one takes over from, as the new one needs it. */
export interface Predecessor {
  /** Resolves when it has sent its clients away and is ready to be followed. */
  prepared(): Promise<void>;
  /** Says that we listen; resolves when the store is ours alone. */
  giveStore(): Promise<void>;
}

/** How a server gives everything it has to the next one, step by step. */
export interface Handover {
  /** Sends clients away while everything goes on; no later than this resolves the next step may be taken. */
  leave(isCanceled: () => boolean): Promise<void>;
  /** Nobody follows after all. */
  stay(): void;
  /** Finishes what runs, as far as time allows, and closes the store. Whoever comes is held. */
  giveStore(): Promise<void>;
  /** Answers whoever was held, and whoever still comes, with this. */
  handOn(entry: Entry): void;
}

export interface HandoverParts {
  readonly live: Live<LiveParts>;
  readonly doorway: Doorway;
  readonly gateway: Gateway;
  readonly terminals: Pick<Terminals, "drain">;
  readonly lifecycle: Pick<Lifecycle, "idle">;
  readonly listeners: Pick<Listeners, "hold" | "stop">;
  /** The store and what works with it. */
  readonly opened: AsyncDisposable;
}

export function createHandover(
  { clock, log }: Pick<Surroundings, "clock" | "log">,
  parts: HandoverParts,
): Handover {
  const { live, doorway, gateway, terminals, lifecycle, listeners, opened } = parts;
  let release: () => void = () => undefined;

  async function within(done: Promise<unknown>, timeMs: number): Promise<void> {
    const late = Promise.withResolvers<void>();
    const cancel = clock.after(timeMs, late.resolve);
    await Promise.race([done, late.promise]);
    cancel();
  }

  return {
    async leave(isCanceled) {
      doorway.leave(true);
      const lead = Promise.withResolvers<void>();
      clock.after(TAKEOVER_LIMITS.takeoverLeadMs, lead.resolve);
      await lead.promise;
      // Last: whoever comes back at once is to find the next server, and not this one again.
      await gateway.sendAway({ ...drainPace(live.current.config.limits), isCanceled });
      // The kernel tells listeners of a port apart by their number alone: there may be one of ours.
      release = await listeners.hold();
    },
    stay() {
      release();
      doorway.leave(false);
    },
    async giveStore() {
      doorway.close();
      const { drainSpreadMs } = live.current.config.limits;
      // Held polls are answered by this, so it comes before the wait for what runs.
      const gone = Promise.all([terminals.drain(), gateway.drain(drainSpreadMs), lifecycle.idle()]);
      await within(gone, TAKEOVER_LIMITS.takeoverGraceMs);
      await opened[Symbol.asyncDispose]();
    },
    handOn(entry) {
      doorway.open(entry);
      // Where the system deals connections out to both of us, no websocket could begin here.
      clock.after(LIMITS.listenerOverlapMs, () =>
        detach(log, "listener.stop", () => listeners.stop()),
      );
    },
  };
}
