import { Fault } from "../core/faults.ts";

export interface TurnsOptions {
  /** Tasks that run at a time. */
  readonly runningMax: number;
  /** Tasks that may wait for the end of another. */
  readonly waitingMax: number;
}

/** Lets only so many tasks run at a time, in the order in which they come. */
export interface Turns {
  /** Throws `backend_busy` when too many wait already. */
  take<T>(task: () => Promise<T>): Promise<T>;
}

export function createTurns({ runningMax, waitingMax }: TurnsOptions): Turns {
  const waiting: (() => void)[] = [];
  let running = 0;

  /** Hands the place on to the next, so that nobody who comes later can take it. */
  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }

  async function enter(): Promise<void> {
    if (running < runningMax) {
      running += 1;
      return;
    }
    if (waiting.length >= waitingMax) {
      const detail = `${running} questions are being asked and ${waiting.length} wait`;
      throw new Fault("backend_busy", { detail });
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  return {
    async take(task) {
      await enter();
      try {
        return await task();
      } finally {
        leave();
      }
    },
  };
}
