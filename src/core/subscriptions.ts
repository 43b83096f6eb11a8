import type { Channel } from "./channel.ts";
import type { HoldingRoom, Hub, Loading } from "./hub.ts";
import type { Namespace } from "./namespaces.ts";
import type { History, Streams } from "./ports/engine.ts";
import type { Position } from "./publication.ts";
import { type Held, type Opened, openCache, openStream } from "./recovery.ts";

/** A subscription whose past has been read. Exactly one of `complete` and `cancel` MUST be called. */
export interface Opening {
  /** What was read of its past, which it holds until then. */
  readonly loaded: Pick<History, "publications" | "isCut">;
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
  /** Read for each recovery: it may change. */
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
  /** What may be read of its past, as in `HistoryQuery`: more cannot be recovered. */
  readonly maxBytes: number;
  /** For what arrives meanwhile, shared by the subscriptions that wait for each other. */
  readonly room: HoldingRoom;
}

/** What a channel is read with. */
interface Reading {
  readonly ttlMs: number;
  readonly maxBytes: number;
  readonly whole: true;
}

export interface Subscriptions {
  open(request: OpenRequest): Promise<Opening>;
}

/** Opens subscriptions without gap or duplicate between what was stored and what is live. */
export function createSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { streams, hub } = options;

  async function read(channel: Channel, reading: Reading, asked: readonly Position[]) {
    if (asked.length <= 1) {
      const [since] = asked;
      return { since, history: await historySince(channel, reading, since) };
    }
    const since = chosen(asked, await streams.history(channel, { ...reading, limit: 0 }));
    return { since, history: await historySince(channel, reading, since) };
  }

  function historySince(channel: Channel, reading: Reading, since: Position | undefined) {
    if (since === undefined) return streams.history(channel, { ...reading, limit: 0 });
    const limit = options.recoveryMaxPublications;
    return streams.history(channel, { ...reading, limit, sinceOffset: since.offset });
  }

  /** Nobody is given the newest publication who does not ask. */
  function newest(channel: Channel, reading: Reading, isAsked: boolean): Promise<History> {
    return streams.history(channel, { ...reading, limit: isAsked ? 1 : 0, reverse: true });
  }

  return {
    async open({ channel, rules, since: asked, maxBytes, room }) {
      const { retention } = rules;
      if (retention === undefined) return openUnkept(asked.length > 0);
      const loading = hub.load(channel, room);
      const reading: Reading = { ttlMs: retention.ttlMs, maxBytes, whole: true };
      try {
        if (rules.recoveryMode === "cache") {
          const history = await newest(channel, reading, asked.length > 0);
          const since = chosen(asked, history);
          return { loaded: history, ...endsOf(loading, (held) => openCache(history, held, since)) };
        }
        const { history, since } = await read(channel, reading, asked);
        return { loaded: history, ...endsOf(loading, (held) => openStream(history, held, since)) };
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

function endsOf(
  loading: Loading,
  answer: (held: readonly Held[]) => Opened,
): Pick<Opening, "complete" | "cancel"> {
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
    loaded: { publications: [] },
    complete: () => ({ position, publications: [], ...(asked && { recovered: false }) }),
    cancel() {},
  };
}
