import { startWorker } from "./start-worker.ts";
import { openThread, type Thread, type ThreadOptions } from "./thread.ts";
import type { Location, OpenRequest } from "./wire.ts";

/** The threads that touch the disk; the same one twice for a store in memory. */
export interface Threads extends AsyncDisposable {
  readonly writer: Thread;
  readonly reader: Thread;
}

export interface ThreadsOptions extends Omit<ThreadOptions, "start"> {
  readonly location: Location;
  readonly sync: "full" | "normal";
  readonly seed: string;
  /** How a worker is started, for tests that need to hold one. */
  readonly start?: ThreadOptions["start"];
}

/** Opens the store in its threads; rejects with words for the operator when that is impossible. */
export async function openThreads(options: ThreadsOptions): Promise<Threads> {
  const { location, sync, seed, clock, log, start = startWorker } = options;
  await using scope = new AsyncDisposableStack();
  const open = async (request: OpenRequest): Promise<Thread> =>
    scope.use(await openThread(request, { clock, log, start }));
  // The writer goes first: it creates the file, and the last to close it writes its log back.
  const writer = await open({ type: "open-writing", location, sync, seed });
  const reader =
    location === "memory" ? writer : await open({ type: "open-reading", file: location.file });
  const opened = scope.move();
  return { writer, reader, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}
