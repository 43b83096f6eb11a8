import type { Channel } from "./channel.ts";
import type { Hub, Loading } from "./hub.ts";
import type { Namespace } from "./namespaces.ts";
import type { History, Streams } from "./ports/engine.ts";
import type { Position, Retention } from "./publication.ts";
import { type Held, type Opened, openCache, openStream } from "./recovery.ts";

/** A subscription whose past has been read. Exactly one of the two MUST be called. */
export interface Opening {
  /**
   * What to tell the client. Call it in the tick in which the client joins the live fan-out: what
   * came before is in the answer, what comes after is delivered live.
   */
  complete(): Opened;
  cancel(): void;
}

export interface SubscriptionsOptions {
  readonly streams: Streams;
  readonly hub: Hub;
  readonly recoveryMaxPublications: number;
}

export interface OpenRequest {
  readonly channel: Channel;
  readonly rules: Pick<Namespace, "retention" | "recoveryMode">;
  /**
   * Where the client stopped reading; empty when it does not ask for what it missed. Of several,
   * the one with the stream's epoch counts: a client may know its positions without the channels.
   */
  readonly since: readonly Position[];
}

export interface Subscriptions {
  open(request: OpenRequest): Promise<Opening>;
}

/** Opens subscriptions without gap or duplicate between what was stored and what is live. */
export function createSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { streams, hub, recoveryMaxPublications } = options;

  async function read(channel: Channel, { ttlMs }: Retention, asked: readonly Position[]) {
    if (asked.length <= 1) {
      const [since] = asked;
      return { since, history: await historySince(channel, ttlMs, since) };
    }
    const since = chosen(asked, await streams.history(channel, { limit: 0, ttlMs }));
    return { since, history: await historySince(channel, ttlMs, since) };
  }

  function historySince(channel: Channel, ttlMs: number, since: Position | undefined) {
    if (since === undefined) return streams.history(channel, { limit: 0, ttlMs });
    const limit = recoveryMaxPublications;
    return streams.history(channel, { limit, ttlMs, sinceOffset: since.offset });
  }

  function newest(channel: Channel, { ttlMs }: Retention): Promise<History> {
    return streams.history(channel, { limit: 1, reverse: true, ttlMs });
  }

  return {
    async open({ channel, rules, since: asked }) {
      const { retention } = rules;
      if (retention === undefined) return openUnkept(asked.length > 0);
      const loading = hub.load(channel);
      try {
        if (rules.recoveryMode === "cache") {
          const history = await newest(channel, retention);
          return openingOf(loading, (held) => openCache(history, held, chosen(asked, history)));
        }
        const { history, since } = await read(channel, retention, asked);
        return openingOf(loading, (held) => openStream(history, held, since));
      } catch (error) {
        loading.release();
        throw error;
      }
    },
  };
}

/** The position that is this stream's, or one that is not, so that nothing is taken for recovered. */
function chosen(asked: readonly Position[], { top }: History): Position | undefined {
  return asked.find(({ epoch }) => epoch === top.epoch) ?? asked[0];
}

function openingOf(loading: Loading, answer: (held: readonly Held[]) => Opened): Opening {
  return {
    complete() {
      const held = loading.release();
      return held === "overflowed" ? "insufficient" : answer(held);
    },
    cancel: () => loading.release(),
  };
}

/** A channel that keeps nothing: nothing to read, and nothing can have been recovered. */
function openUnkept(asked: boolean): Opening {
  const position = { epoch: "", offset: 0 };
  return {
    complete: () => ({ position, publications: [], ...(asked && { recovered: false }) }),
    cancel() {},
  };
}
