/** Undoes a timer; harmless after it fired. */
export type Cancel = () => void;

/** All time comes from here, so that tests can move it. */
export interface Clock {
  /** Milliseconds since 1970; may jump when the machine's clock is set. */
  nowMs(): number;
  /** Milliseconds since some fixed moment; never jumps. Use it for every duration. */
  monotonicMs(): number;
  after(delayMs: number, run: () => void): Cancel;
  every(intervalMs: number, run: () => void): Cancel;
}
