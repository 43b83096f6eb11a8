import type { Clock } from "../core/ports/clock.ts";

/** Resolves after that time, or at once when somebody says stop. */
export async function wait(clock: Clock, delayMs: number, stopped: AbortSignal): Promise<void> {
  if (stopped.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(delayMs, resolve);
  const stop = () => resolve();
  stopped.addEventListener("abort", stop);
  await promise;
  stopped.removeEventListener("abort", stop);
  cancel();
}
