/** What one figure is. Its name, its labels and their values are public API: add, never rename. */
export interface Described {
  readonly kind: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds, of a histogram only. */
  readonly buckets: readonly number[];
}

/** Something that only grows, and begins at 0 with the process. */
export function counter<const Labels extends readonly string[] = []>(
  help: string,
  ...labels: Labels
) {
  return { kind: "counter", help, labels, buckets: [] } as const;
}

/** How something stands now. */
export function gauge<const Labels extends readonly string[] = []>(
  help: string,
  ...labels: Labels
) {
  return { kind: "gauge", help, labels, buckets: [] } as const;
}

/** How much there was of each size. */
export function histogram<const Labels extends readonly string[] = []>(
  help: string,
  buckets: readonly number[],
  ...labels: Labels
) {
  return { kind: "histogram", help, labels, buckets } as const;
}

/** From what a request on loopback takes to what nobody should wait for. */
export const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
