import { LIMITS } from "../../src/core/limits.ts";
import type {
  DeadLetter,
  DeadLetterPage,
  Outbox,
  OutboxCounts,
  OutboxEntry,
  OutboxRef,
  OutboxRow,
  OutboxTake,
  OutboxTaken,
  Replayed,
} from "../../src/core/ports/outbox.ts";
import type { OutboxBounds } from "../../src/engine/sqlite/outbox-rows.ts";
import type { FakeClock } from "./fake-clock.ts";

interface Item extends OutboxRow {
  /** Counts up; an item keeps its place for life. */
  readonly place: number;
  failures: number;
  dueAtMs: number;
  leasedUntilMs: number;
  death?: { readonly diedAtMs: number; readonly why: string } | undefined;
}

/** What outlives an outbox in memory, so that another one can go on with it. */
export class Shelf {
  items: Item[] = [];
  places = 0;
}

/** Keeps everything in memory, in the plainest way that the port's promises allow. */
export class MemoryOutbox implements Outbox {
  readonly #clock: FakeClock;
  readonly #bounds: OutboxBounds;
  readonly #shelf: Shelf;

  constructor(clock: FakeClock, bounds: OutboxBounds, shelf = new Shelf()) {
    this.#clock = clock;
    this.#bounds = bounds;
    this.#shelf = shelf;
  }

  async add(entries: readonly OutboxEntry[]): Promise<void> {
    for (const entry of entries) {
      if (this.#find(entry) !== undefined) continue;
      this.#shelf.places += 1;
      const nowMs = this.#clock.nowMs();
      const times = { dueAtMs: nowMs, leasedUntilMs: 0 };
      const item: Item = { ...entry, ...times, place: this.#shelf.places, failures: 0 };
      const isFull = !this.#hasRoom(entry.endpoint);
      this.#shelf.items.push(item);
      if (isFull) this.#bury(item, { diedAtMs: nowMs, why: "found no room in the outbox" });
    }
  }

  async take(query: OutboxTake): Promise<OutboxTaken> {
    const { endpoint, nowMs, max, leaseMs } = query;
    const rows = this.#rowsOf(endpoint);
    const taken = rows
      .filter((row) => isDue(row, query) && !isHeldBack(row, rows, this.#bounds))
      .toSorted((a, b) => dueMs(a) - dueMs(b))
      .slice(0, max)
      .toSorted((a, b) => a.place - b.place);
    for (const row of taken) {
      row.leasedUntilMs = nowMs + leaseMs;
      row.dueAtMs = Math.min(row.dueAtMs, nowMs);
    }
    const free = rows.filter((row) => !isHeldBack(row, rows, this.#bounds));
    const later = free.map(dueMs).filter((atMs) => atMs > nowMs);
    return {
      rows: taken.map(rowOf),
      ...(later.length > 0 && { nextAtMs: Math.min(...later) }),
    };
  }

  async endLeases(): Promise<void> {
    for (const item of this.#shelf.items) if (item.failures === 0) item.leasedUntilMs = 0;
  }

  async done(ref: OutboxRef): Promise<void> {
    const item = this.#find(ref);
    if (item?.death === undefined)
      this.#shelf.items = this.#shelf.items.filter((other) => other !== item);
  }

  async retry(ref: OutboxRef, atMs: number): Promise<void> {
    const item = this.#find(ref);
    if (item === undefined || item.death !== undefined) return;
    item.failures += 1;
    item.dueAtMs = atMs;
    item.leasedUntilMs = 0;
  }

  async bury(ref: OutboxRef, { atMs, why }: { atMs: number; why: string }): Promise<void> {
    const item = this.#find(ref);
    if (item === undefined || item.death !== undefined) return;
    item.failures += 1;
    this.#bury(item, { diedAtMs: atMs, why });
  }

  async deadLetters({ endpoint, after, limit }: DeadLetterPage): Promise<readonly DeadLetter[]> {
    return this.#dead(endpoint)
      .filter((letter) => after === undefined || compareDeaths(letter, after) > 0)
      .slice(0, limit);
  }

  async replay(ref: OutboxRef): Promise<Replayed> {
    const item = this.#find(ref);
    if (item?.death === undefined) return "unknown";
    if (!this.#hasRoom(item.endpoint)) return "full";
    item.death = undefined;
    item.failures = 0;
    item.leasedUntilMs = 0;
    item.dueAtMs = this.#clock.nowMs();
    return "replayed";
  }

  async outboxCounts(endpoint: string): Promise<OutboxCounts> {
    return this.#counts(endpoint);
  }

  #counts(endpoint: string): OutboxCounts {
    const rows = this.#rowsOf(endpoint);
    const waitingBytes = rows.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0);
    return { waiting: rows.length, waitingBytes, dead: this.#dead(endpoint).length };
  }

  #hasRoom(endpoint: string): boolean {
    const { waiting, waitingBytes } = this.#counts(endpoint);
    return waiting < this.#bounds.rowsMax && waitingBytes < this.#bounds.maxBytes;
  }

  #find({ endpoint, id }: OutboxRef): Item | undefined {
    return this.#shelf.items.find((item) => item.endpoint === endpoint && item.id === id);
  }

  #rowsOf(endpoint: string): Item[] {
    return this.#shelf.items
      .filter((item) => item.endpoint === endpoint && item.death === undefined)
      .toSorted((a, b) => a.place - b.place);
  }

  #bury(item: Item, death: NonNullable<Item["death"]>): void {
    item.death = death;
    const [oldest, ...others] = this.#dead(item.endpoint);
    if (oldest === undefined || others.length < this.#bounds.deadLettersMax) return;
    const gone = this.#find(oldest);
    this.#shelf.items = this.#shelf.items.filter((other) => other !== gone);
  }

  #dead(endpoint?: string): DeadLetter[] {
    return this.#shelf.items
      .flatMap((item) => (item.death === undefined ? [] : [{ ...rowOf(item), ...item.death }]))
      .filter((letter) => endpoint === undefined || letter.endpoint === endpoint)
      .toSorted(compareDeaths);
  }
}

function isDue(row: Item, { nowMs, leaseMs }: OutboxTake): boolean {
  const waitMaxMs = row.failures === 0 ? leaseMs + LIMITS.clockSlackMs : LIMITS.outboxWaitMaxMs;
  return dueMs(row) <= nowMs || dueMs(row) > nowMs + waitMaxMs;
}

function dueMs({ dueAtMs, leasedUntilMs }: Item): number {
  return Math.max(dueAtMs, leasedUntilMs);
}

function isHeldBack(row: Item, rows: readonly Item[], bounds: OutboxBounds): boolean {
  return rows.some(
    (older) =>
      older.place < row.place &&
      older.orderKey === row.orderKey &&
      row.orderKey !== "" &&
      older.failures < bounds.orderedFailures,
  );
}

function rowOf(item: Item): OutboxRow {
  const { endpoint, id, type, orderKey, body, createdAtMs, failures, trace } = item;
  const row = { endpoint, id, type, orderKey, body, createdAtMs, failures };
  return trace ? { ...row, trace } : row;
}

type Death = Pick<DeadLetter, "endpoint" | "diedAtMs" | "id">;

function compareDeaths(a: Death, b: Death): number {
  return compare(a.endpoint, b.endpoint) || a.diedAtMs - b.diedAtMs || compare(a.id, b.id);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
