import type { TraceContext } from "../trace-context.ts";

/** One event that one endpoint is to be told. */
export interface OutboxEntry {
  /** As the configuration calls it. */
  readonly endpoint: string;
  /** Of one publication alone, and the same for every endpoint and in every attempt. */
  readonly id: string;
  readonly type: string;
  /** What happens to one of these is told in order: the device. "" is told in any order. */
  readonly orderKey: string;
  /** JSON text, delivered byte for byte. */
  readonly body: string;
  readonly createdAtMs: number;
  /** Told with it, so that the backend can go on with the trace. */
  readonly trace?: TraceContext;
}

/** An entry that waits for its delivery. */
export interface OutboxRow extends OutboxEntry {
  /** Attempts that failed. */
  readonly failures: number;
}

/** An entry that nobody tries to deliver any more. */
export interface DeadLetter extends OutboxRow {
  readonly diedAtMs: number;
  /** Completes the sentence "it …". */
  readonly why: string;
}

/** Names one row or one dead letter. */
export type OutboxRef = Pick<OutboxEntry, "endpoint" | "id">;

export interface OutboxTake {
  readonly endpoint: string;
  readonly nowMs: number;
  /** At least 1. */
  readonly max: number;
  /** For how long nobody else may take what is given out. */
  readonly leaseMs: number;
}

export interface OutboxTaken {
  /** Oldest first. */
  readonly rows: readonly OutboxRow[];
  /**
   * When time alone may make another row takable: the earliest due time or end of a lease after
   * `nowMs` among the rows of the endpoint, with those just given out. Absent when there is none.
   */
  readonly nextAtMs?: number;
}

/** How much one endpoint holds. */
export interface OutboxCounts {
  readonly waiting: number;
  /** What the bodies of those weigh as UTF-8. */
  readonly waitingBytes: number;
  readonly dead: number;
}

/** What became of a replay. "full": the endpoint has no room; the dead letter stays. */
export type Replayed = "replayed" | "unknown" | "full";

export interface DeadLetterPage {
  /** Absent: of every endpoint. */
  readonly endpoint?: string;
  /** The last one of the page before; it need not be there any more. Absent: from the beginning. */
  readonly after?: Pick<DeadLetter, "endpoint" | "diedAtMs" | "id">;
  readonly limit: number;
}

/**
 * Keeps what the backend is to be told until it was told. Engines share one contract test suite:
 * `test/contract/outbox.ts`.
 *
 * Rows of one endpoint keep the order in which they were added. One with an order key holds back
 * younger ones of the same key until it is gone or has failed `LIMITS.webhookAttemptsInOrder` times.
 * Every write is durable when it
 * resolves, and a `take` asked for after it MUST know of it; `done`, `retry` and `bury` are harmless
 * for a row that is not there any more. An endpoint has room while it holds fewer rows than
 * `LIMITS.outboxRowsMax` and their bodies weigh less than `LIMITS.outboxMaxBytes`; what finds none
 * becomes a dead letter at once. Of those it holds `LIMITS.deadLettersMax`, the oldest death goes
 * first. What is older than `LIMITS.outboxKeptMs` is forgotten some time after, whatever it waits for;
 * the engine logs how many rows were still waiting.
 * Times are of the wall clock, because they outlive the process. Calls reject as those of the engine do.
 */
export interface Outbox {
  /**
   * Adds rows that are due at once, all or none. One whose endpoint and id are known as a row or as
   * a dead letter is left out. The engine's own transactions add entries in the same way.
   */
  add(entries: readonly OutboxEntry[]): Promise<void>;
  /**
   * Gives out rows to deliver, those that are due longest. It MUST NOT return a row that is not due,
   * that was taken less than `leaseMs` ago and has not come back by `retry`, or that an older one holds
   * back; a row that was taken holds back others as before. What waits longer than it can was dated
   * before the clock was set back, and is due: a row that never failed after `leaseMs`, any other after
   * `LIMITS.outboxWaitMaxMs`.
   */
  take(query: OutboxTake): Promise<OutboxTaken>;
  /**
   * Ends the leases of rows that never failed: whoever took them is gone. For the one process that
   * delivers, before it takes any; the backend may be told again of what was on its way.
   */
  endLeases(): Promise<void>;
  /** The row was delivered. */
  done(ref: OutboxRef): Promise<void>;
  /** The row failed once more and is due again at `atMs`. */
  retry(ref: OutboxRef, atMs: number): Promise<void>;
  /** The row failed for the last time and becomes a dead letter. */
  bury(ref: OutboxRef, death: { readonly atMs: number; readonly why: string }): Promise<void>;
  /** In order of endpoint, time of death and id. */
  deadLetters(page: DeadLetterPage): Promise<readonly DeadLetter[]>;
  /** Makes a dead letter a row again, without failures, due at once, in its old place. */
  replay(ref: OutboxRef): Promise<Replayed>;
  /** MUST cost no more with many rows. */
  outboxCounts(endpoint: string): Promise<OutboxCounts>;
}
