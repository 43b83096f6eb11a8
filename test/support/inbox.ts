/** How long any awaited thing may take before a test gives up on it. */
export const DEADLINE_MS = 15_000;

interface Waiter<T> {
  readonly matches: (item: T) => boolean;
  readonly resolve: (item: T) => void;
}

/** Keeps what arrived in order, and lets a test wait for what has not arrived yet. */
export class Inbox<T> {
  readonly items: T[] = [];
  readonly #waiters = new Set<Waiter<T>>();
  readonly #takers: ((item: T) => void)[] = [];

  push(item: T): void {
    this.items.push(item);
    for (const take of this.#takers) take(item);
    for (const waiter of this.#waiters) {
      if (waiter.matches(item)) waiter.resolve(item);
    }
  }

  /** Hands over every item, those that are here and those to come. */
  each(take: (item: T) => void): void {
    for (const item of this.items) take(item);
    this.#takers.push(take);
  }

  /** The first item at index `from` or later that matches, whether it is here yet or not. */
  async find(matches: (item: T) => boolean, options: FindOptions): Promise<T> {
    const found = this.items.slice(options.from ?? 0).find(matches);
    if (found !== undefined) return found;
    const { promise, resolve } = Promise.withResolvers<T>();
    const waiter = { matches, resolve };
    this.#waiters.add(waiter);
    try {
      return await within(promise, options.what, options.deadlineMs);
    } catch (cause) {
      const seen = this.items.slice(-8).map((item) => JSON.stringify(item)?.slice(0, 300));
      throw new Error(`${String(cause)}; the last that came:\n${seen.join("\n")}`, { cause });
    } finally {
      this.#waiters.delete(waiter);
    }
  }
}

export interface FindOptions {
  /** Named in the error when it does not come. */
  readonly what: string;
  /** Ignore everything before this index. */
  readonly from?: number;
  readonly deadlineMs?: number;
}

/** Settles as `promise` does, or rejects naming `what` when the deadline passes first. */
export async function within<T>(
  promise: Promise<T>,
  what: string,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`Cannot wait longer for ${what}: ${deadlineMs} ms have passed`)),
    deadlineMs,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Calls `probe` until it gives something, for what announces itself by no event. */
export async function eventually<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  what: string,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const endMs = performance.now() + deadlineMs;
  while (performance.now() < endMs) {
    const found = await probe();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`Cannot wait longer for ${what}: ${deadlineMs} ms have passed`);
}
