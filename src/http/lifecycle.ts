import { Fault } from "../core/faults.ts";

/** Whether the server still takes work, and what it has not finished. */
export interface Lifecycle {
  /** Throws `draining` once the server shuts down. */
  checkServing(): void;
  startDraining(): void;
  /** Counts `work` as unfinished until it settles. */
  track<T>(work: Promise<T>): Promise<T>;
  /** Resolves when nothing tracked is unfinished. */
  idle(): Promise<void>;
}

export function createLifecycle(): Lifecycle {
  let isDraining = false;
  let unfinished = 0;
  const waiters: (() => void)[] = [];
  return {
    checkServing() {
      if (isDraining) throw new Fault("draining", { detail: "the server shuts down" });
    },
    startDraining() {
      isDraining = true;
    },
    async track(work) {
      unfinished += 1;
      try {
        return await work;
      } finally {
        unfinished -= 1;
        if (unfinished === 0) for (const resolve of waiters.splice(0)) resolve();
      }
    },
    async idle() {
      if (unfinished > 0) await new Promise<void>((resolve) => waiters.push(resolve));
    },
  };
}
