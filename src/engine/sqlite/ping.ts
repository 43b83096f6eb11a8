import { Fault } from "../../core/faults.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Lanes } from "./lanes.ts";

/** Makes the check that both ways into the store work and answer in time. */
export function createPing({ write, read }: Lanes, clock: Clock): () => Promise<void> {
  let running: Promise<void> | undefined;
  const ping = async (): Promise<void> => {
    const late = Promise.withResolvers<never>();
    const cancel = clock.after(LIMITS.storePingTimeoutMs, () => {
      const detail = `no answer within ${LIMITS.storePingTimeoutMs} ms`;
      late.reject(new Fault("store_failed", { detail }));
    });
    try {
      await Promise.race([
        Promise.all([write.run("touch", null), read.run("look", null)]),
        late.promise,
      ]);
    } finally {
      cancel();
      running = undefined;
    }
  };
  // Checks that come while one runs share it: a flood of them costs one commit at a time.
  return () => {
    running ??= ping();
    return running;
  };
}
