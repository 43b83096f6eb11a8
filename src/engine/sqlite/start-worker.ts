const SOURCE_FOLDER = "/engine/sqlite/";

/**
 * Starts the thread that does the store's work.
 *
 * In the executable every module has the executable's own URL, and the second entry point lies
 * where it lies below `src`; from source the worker is this file's neighbour.
 */
export function startWorker(): Worker {
  const isSource = import.meta.url.endsWith(`${SOURCE_FOLDER}start-worker.ts`);
  const path = isSource ? "./worker.ts" : `.${SOURCE_FOLDER}worker.ts`;
  return new Worker(new URL(path, import.meta.url), { type: "module" });
}
