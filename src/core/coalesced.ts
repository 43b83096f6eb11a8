/**
 * Runs `task` at each call, one run at a time: what is asked for while it runs is one more run after it,
 * however often that is. Resolves when nothing is to be run any more. `task` MUST NOT reject.
 */
export function coalesced(task: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let isWanted = false;

  async function run(): Promise<void> {
    while (isWanted) {
      isWanted = false;
      await task();
    }
    running = undefined;
  }

  return () => {
    isWanted = true;
    running ??= run();
    return running;
  };
}
