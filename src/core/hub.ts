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

/** What several loadings may hold back together, roughly in bytes. */
export interface HoldingRoom {
  leftBytes: number;
}

/** Where the engine's publications enter: to loading subscriptions, then to every live one. */
export interface Hub {
  readonly deliver: Deliver;
  load(channel: Channel, room: HoldingRoom): Loading;
}

export function createHub(fanout: Fanout): Hub {
  const loading = new Map<Channel, Set<Holder>>();

  function load(channel: Channel, room: HoldingRoom): Loading {
    const holder = new Holder(room);
    const holders = loading.get(channel) ?? new Set();
    loading.set(channel, holders.add(holder));
    return {
      release() {
        holders.delete(holder);
        if (holders.size === 0 && loading.get(channel) === holders) loading.delete(channel);
        return holder.release();
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

/** What a publication weighs beside its data. */
const ITEM_BYTES = 100;

class Holder {
  readonly #room: HoldingRoom;
  #held: Held[] | "overflowed" = [];
  #bytes = 0;

  constructor(room: HoldingRoom) {
    this.#room = room;
  }

  add(item: Held): void {
    if (this.#held === "overflowed") return;
    const bytes = item.publication.data.length + ITEM_BYTES;
    if (this.#held.length >= LIMITS.loadingMaxPublications || bytes > this.#room.leftBytes) {
      this.#held = "overflowed";
      this.#giveBack();
      return;
    }
    this.#held.push(item);
    this.#bytes += bytes;
    this.#room.leftBytes -= bytes;
  }

  release(): readonly Held[] | "overflowed" {
    this.#giveBack();
    return this.#held;
  }

  #giveBack(): void {
    this.#room.leftBytes += this.#bytes;
    this.#bytes = 0;
  }
}
