type Listener<Arguments extends readonly unknown[]> = (...args: Arguments) => void;

/** The listeners of one name. */
export class Listeners<Arguments extends readonly unknown[]> {
  private readonly listeners: Listener<Arguments>[] = [];

  get size(): number {
    return this.listeners.length;
  }

  /** Gives what removes it again; twice is harmless. */
  add(listener: Listener<Arguments>): () => void {
    // The same function may be added twice, and each is removed on its own.
    const own: Listener<Arguments> = (...args) => listener(...args);
    this.listeners.push(own);
    return () => {
      const index = this.listeners.indexOf(own);
      if (index >= 0) this.listeners.splice(index, 1);
    };
  }

  tell(...args: Arguments): void {
    for (const listener of this.listeners.slice()) guard(() => listener(...args));
  }

  clear(): void {
    this.listeners.length = 0;
  }
}

/** The listeners of this name. Whoever errs in it hears so at once, and not by hearing nothing. */
export function listenersOf<Known extends object, Name extends keyof Known>(
  known: Known,
  name: Name,
): Known[Name] {
  if (Object.keys(known).indexOf(String(name)) >= 0) return known[name];
  const names = Object.keys(known).join(", ");
  throw new TypeError(`Cannot listen to ${String(name)}: wanted one of ${names}`);
}

/** Runs code of the app. What it throws reaches the app's own error hook, and nothing of ours. */
export function guard(run: () => void): void {
  try {
    run();
  } catch (error) {
    setTimeout(() => {
      throw error;
    }, 0);
  }
}
