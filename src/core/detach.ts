import type { Log } from "./ports/log.ts";

/**
 * Lets `task` run on without its caller.
 *
 * The only sanctioned way to leave a promise unawaited: neither a rejection nor a synchronous throw
 * can escape, and both are logged under `stage`.
 */
export function detach(log: Log, stage: string, task: () => Promise<void> | void): void {
  Promise.try(task).catch((error: unknown) => log.error("task.failed", { stage, error }));
}
