/** A timer of the app (frozen while it is hidden) or of the phone itself (never frozen). */
interface Timer {
  readonly id: number;
  readonly owner: "app" | "phone";
  readonly run: () => void;
  readonly everyMs: number | undefined;
  dueMs: number;
}

/**
 * The time of one phone. It moves only when a test says so, and it goes on while the app is frozen:
 * then the app's timers do not run, and those that became due run late, when the app is thawed.
 */
export class PhoneClock {
  #nowMs: number;
  #nextId = 1;
  #isFrozen = false;
  readonly #timers = new Map<number, Timer>();

  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = nowMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** The app's timers that wait, to see that none is left behind. */
  get appTimers(): number {
    return [...this.#timers.values()].filter(({ owner }) => owner === "app").length;
  }

  /** Lets time pass and runs what becomes due, in order of time. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      if (next.everyMs === undefined) this.#timers.delete(next.id);
      // A late interval does not catch up on what it missed.
      else next.dueMs = this.#nowMs + next.everyMs;
      next.run();
    }
    this.#nowMs = untilMs;
  }

  /** Something the phone itself does. */
  after(ms: number, run: () => void): () => void {
    const id = this.#add({ owner: "phone", run, everyMs: undefined }, ms);
    return () => this.#timers.delete(id);
  }

  freeze(): void {
    this.#isFrozen = true;
  }

  /** Overdue timers run at once. */
  thaw(): void {
    this.#isFrozen = false;
    this.advance(0);
  }

  /** The app is gone, and all it had planned. */
  forgetApp(): void {
    for (const { id, owner } of this.#timers.values()) if (owner === "app") this.#timers.delete(id);
  }

  /** The timer functions an app finds among its globals. */
  appGlobals() {
    const start = (run: () => void, ms: unknown, repeats: boolean): number => {
      const delayMs = Math.max(0, Number(ms) || 0);
      const everyMs = repeats ? Math.max(1, delayMs) : undefined;
      return this.#add({ owner: "app", run, everyMs }, delayMs);
    };
    return {
      setTimeout: (run: () => void, ms?: unknown) => start(run, ms, false),
      setInterval: (run: () => void, ms?: unknown) => start(run, ms, true),
      clearTimeout: (id: unknown) => void this.#timers.delete(Number(id)),
      clearInterval: (id: unknown) => void this.#timers.delete(Number(id)),
    };
  }

  #add(timer: Pick<Timer, "owner" | "run" | "everyMs">, delayMs: number): number {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#timers.set(id, { ...timer, id, dueMs: this.#nowMs + delayMs });
    return id;
  }

  #next(untilMs: number): Timer | undefined {
    const able = [...this.#timers.values()].filter(
      ({ owner, dueMs }) => dueMs <= untilMs && !(this.#isFrozen && owner === "app"),
    );
    return able.sort((a, b) => a.dueMs - b.dueMs || a.id - b.id)[0];
  }
}
