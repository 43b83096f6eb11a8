import type { CounterName, HistogramName, LabelsOf, ReadName } from "../metrics/table.ts";

/** Counts one thing. */
export interface Counter {
  /** Adds one by default. */
  add(by?: number): void;
}

/** Sorts amounts by their size. */
export interface Histogram {
  observe(value: number): void;
}

/** Tells how something stands; said twice in one reading, the last word counts. */
export type Tell = <Name extends ReadName>(
  name: Name,
  labels: LabelsOf<Name>,
  value: number,
) => void;

/** Reads what is not counted as it happens. What it throws, or rejects with, leaves out its figures only. */
export type Reader = (tell: Tell) => Promise<void> | void;

/**
 * Where figures about the server's work go. Names and labels are those of `core/metrics/table.ts`.
 *
 * Counting MUST cost no more than a few additions and MUST NOT throw; what is counted often keeps the
 * counter instead of asking for it each time. The number of label values is bounded: what is beyond
 * the bound is counted as "other".
 */
export interface Metrics {
  counter<Name extends CounterName>(name: Name, labels: LabelsOf<Name>): Counter;
  histogram<Name extends HistogramName>(name: Name, labels: LabelsOf<Name>): Histogram;
  /** Counts one, for what is rare. */
  count<Name extends CounterName>(name: Name, labels: LabelsOf<Name>): void;
  /** Calls `read` whenever somebody asks for the figures; readers run at the same time. Nothing undoes it. */
  onRead(read: Reader): void;
}
