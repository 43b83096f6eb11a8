import type { Metrics } from "./ports/metrics.ts";

const NOWHERE = { add() {}, observe() {} };

/** For whoever does not want to know. */
export const UNCOUNTED: Metrics = {
  counter: () => NOWHERE,
  histogram: () => NOWHERE,
  count() {},
  onRead() {},
};
