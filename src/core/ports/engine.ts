import type { Channel } from "../channel.ts";
import type { Position, Publication, Retention } from "../publication.ts";
import type { Bindings } from "./bindings.ts";
import type { CommandQueue } from "./command-queue.ts";
import type { DeviceRecords } from "./device-records.ts";
import type { DeviceStates } from "./device-states.ts";
import type { Outbox, OutboxCounts, OutboxEntry } from "./outbox.ts";

/** Names one publication for deduplication. */
export interface DedupeKey {
  /**
   * Whose id it is; ids of different scopes never collide. A device's own events have its id for their
   * scope, which ends with the device (`removeDevice`).
   */
  readonly scope: string;
  readonly id: string;
  /** How long the id is remembered. */
  readonly ttlMs: number;
  /** What tells this payload from another with the same id. Absent: nobody minds. */
  readonly fingerprint?: string;
}

/** Lets newer knowledge in only, whatever order it arrives in. */
export interface VersionGuard {
  /** A whole number, at most `Number.MAX_SAFE_INTEGER`; 0 guards nothing. */
  readonly version: number;
  /** Versions are compared within one; another than the last one's starts anew. Absent or "": the last one's. */
  readonly epoch?: string;
}

export interface Append {
  readonly channel: Channel;
  readonly publication: Omit<Publication, "offset">;
  /**
   * Absent: deliver to who is listening now, store nothing, offset 0 and epoch "". Without a dedupe
   * key as well that happens at once, before stored appends that are still under way.
   */
  readonly retention?: Retention;
  readonly dedupe?: DedupeKey;
  /** Needs `retention`: without it there is no stream that could remember a version. */
  readonly version?: VersionGuard;
  /**
   * Put in the outbox by the transaction that stores the publication; nothing when it is refused. With
   * `retention` the engine ends their ids with the publication's place, `:<epoch>:<offset>`, so that no
   * two publications share one whatever they are called.
   */
  readonly outbox?: readonly OutboxEntry[];
}

export interface Appended extends Position {
  /** True when the dedupe key was seen before: nothing was stored or delivered, the position is the first one's. */
  readonly duplicate: boolean;
  /**
   * True when the stream has seen this version or a newer one: nothing was stored or delivered, the
   * dedupe key stays unknown, the position is the newest publication's.
   */
  readonly suppressed: boolean;
  /** True of a duplicate whose fingerprint is another one than the first one's. */
  readonly mismatched: boolean;
}

export interface HistoryQuery {
  /** Only what comes after this offset (before it, when `reverse`). Absent: from the oldest kept (newest, when `reverse`). */
  readonly sinceOffset?: number;
  /** At least 0, which asks for the position only. */
  readonly limit: number;
  /** Newest first. With limit 1 that is the newest publication alone, and MUST cost no more than that. */
  readonly reverse?: boolean;
  /** How old a publication may be to be returned. */
  readonly ttlMs: number;
  /** What the publications may weigh in all: their data, tags and info as UTF-8. Absent: any number. */
  readonly maxBytes?: number;
  /**
   * What is returned when `maxBytes` is not enough. By default a page: the first publications, as
   * many as fit and at least one, so that the reader can go on after it. `whole`: none at all.
   */
  readonly whole?: boolean;
}

export interface History {
  /** The stream's newest offset and its epoch. */
  readonly top: Position;
  readonly publications: readonly Publication[];
  /** True when `maxBytes` left out what `limit` had allowed, else absent. */
  readonly isCut?: boolean;
}

/** Receives every publication once, in offset order within its channel. MUST NOT throw. */
export type Deliver = (channel: Channel, publication: Publication, position: Position) => void;

/**
 * Stores streams and spreads them.
 *
 * `append` resolves only after the publication is as durable as the engine promises. The engine
 * MUST call `deliver` for each new publication before its `append` resolves and before any
 * `history` returns it, and MUST NOT call it for a duplicate or a suppressed one. Stored appends to
 * one channel keep the order in which they were made; offsets start at 1 and have no gaps. An
 * append that was rejected with `store_failed` may have been stored all the same; then nobody is
 * told of it, and a live reader finds out by the next offset.
 *
 * A `history` asked for after an `append` resolved MUST know of it, and MUST NOT wait for commits
 * of other channels. It returns what is still kept: a reader that must not miss anything checks
 * that the offsets follow each other up to `top`. What `maxBytes` leaves out MUST NOT be held in
 * memory on its way, and neither MUST the answers to many queries at a time.
 *
 * A stream needs no creation: one that nobody has appended to is at offset 0 of the epoch its first
 * publication will have. One that nobody has appended to for its retention's `metaTtlMs` is
 * forgotten some time after, never before: its publications, its offset, its version. Its next life
 * MUST have another epoch, and until then the epoch MUST NOT change. Forgetting one stream may give
 * a few that are still at offset 0 another epoch too.
 */
export interface Streams {
  append(entry: Append): Promise<Appended>;
  history(channel: Channel, query: HistoryQuery): Promise<History>;
  /**
   * Drops every publication whose `append` was called before. Epoch, offset and version stay: the
   * stream goes on counting, and who was not at its top cannot recover.
   */
  removeHistory(channel: Channel): Promise<void>;
}

/** How much a store holds, for whoever watches it. */
export interface StoreFigures {
  readonly devices: number;
  /** Commands without an end, by their status; a status that none has may be absent. */
  readonly commands: Readonly<Partial<Record<"queued" | "leased" | "acked", number>>>;
  /** When the oldest command that is queued was sent. Absent: none is. */
  readonly oldestQueuedAtMs?: number;
  readonly endpoints: readonly EndpointFigures[];
}

/** What the outbox holds for one endpoint; such as have nothing may be absent. */
export interface EndpointFigures extends OutboxCounts {
  readonly endpoint: string;
  /** When the oldest event that waits happened. Absent: none waits. */
  readonly oldestAtMs?: number;
}

/**
 * Everything a node keeps. Engines share one contract test suite: `test/contract/engine.ts`.
 *
 * Every call rejects with `store_failed` while the store cannot do its work, with `draining` after the
 * engine was disposed, with `store_busy` when too much waits already, and with nothing else but bugs.
 * Disposing finishes what was asked for before; doing it twice is harmless.
 */
export interface Engine
  extends Streams,
    DeviceRecords,
    Bindings,
    DeviceStates,
    CommandQueue,
    Outbox,
    AsyncDisposable {
  /** Resolves while the engine can store; rejects with what is wrong. For the readiness check. */
  ping(): Promise<void>;
  /** MUST cost no more with many devices, commands and events, and MUST NOT delay writes. */
  figures(): Promise<StoreFigures>;
}
