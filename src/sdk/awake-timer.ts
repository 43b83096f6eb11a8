import type { Session } from "./session.ts";

const STEP_MS = 1_000;

/**
 * Calls back after so much time in which the app could do something: what it was paused does not count,
 * nor what it was frozen, but for a step. Call what this returns to stop it.
 */
export function afterAwake(session: Session, ms: number, done: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  let leftMs = ms;
  const step = (): void => {
    timer = setTimeout(() => {
      if (session.status.state !== "paused") leftMs -= STEP_MS;
      if (leftMs > 0) step();
      else done();
    }, STEP_MS);
  };
  step();
  return () => clearTimeout(timer);
}
