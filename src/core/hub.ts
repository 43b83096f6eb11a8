import type { Channel } from "./channel.ts";
import { LIMITS } from "./limits.ts";
import type { Deliver } from "./ports/engine.ts";
import type { Fanout } from "./ports/fanout.ts";
import type { Held } from "./recovery.ts";

/** Holds back the live publications of one channel for one subscription that is still loading. */
export interface Loading {
  /** Stops holding and returns what came, or "overflowed" when that was more than the bound. */
  release(): readonly Held[] | "overflowed";
}

/** Where the engine's publications enter: to loading subscriptions, then to every live one. */
export interface Hub {
  readonly deliver: Deliver;
  load(channel: Channel): Loading;
}

export function createHub(fanout: Fanout): Hub {
  const loading = new Map<Channel, Set<Holder>>();

  function load(channel: Channel): Loading {
    const holder = new Holder();
    const holders = loading.get(channel) ?? new Set();
    loading.set(channel, holders.add(holder));
    return {
      release() {
        holders.delete(holder);
        if (holders.size === 0 && loading.get(channel) === holders) loading.delete(channel);
        return holder.held;
      },
    };
  }

  return {
    load,
    deliver(channel, publication, { epoch }) {
      // What is not part of the stream is for those alone who listen already.
      const holders = publication.offset === 0 ? undefined : loading.get(channel);
      for (const holder of holders ?? []) holder.add({ publication, epoch });
      fanout.publication(channel, publication, epoch);
    },
  };
}

class Holder {
  held: Held[] | "overflowed" = [];

  add(item: Held): void {
    if (this.held === "overflowed") return;
    if (this.held.length >= LIMITS.loadingMaxPublications) this.held = "overflowed";
    else this.held.push(item);
  }
}
