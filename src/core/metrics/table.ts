import { CLIENT_METRICS } from "./client-metrics.ts";
import type { Described } from "./describe.ts";
import { DEVICE_METRICS } from "./device-metrics.ts";
import { NODE_METRICS } from "./node-metrics.ts";
import { WEBHOOK_METRICS } from "./webhook-metrics.ts";

/** Every figure that `/metrics` shows. Closed, so that dashboards and alerts keep working. */
export const METRICS = {
  ...CLIENT_METRICS,
  ...DEVICE_METRICS,
  ...WEBHOOK_METRICS,
  ...NODE_METRICS,
} as const satisfies Readonly<Record<`posthorn_${string}`, Described>>;

type Table = typeof METRICS;

export type MetricName = keyof Table;

type NameOf<Kind extends Described["kind"]> = {
  [Name in MetricName]: Table[Name]["kind"] extends Kind ? Name : never;
}[MetricName];

export type CounterName = NameOf<"counter">;
export type HistogramName = NameOf<"histogram">;
/** What can be read when somebody asks, instead of being counted as it happens. */
export type ReadName = NameOf<"gauge" | "counter">;

/** A value for each label. MUST come from a small set: never an id, a user, a channel or an address. */
export type LabelsOf<Name extends MetricName> = Readonly<
  Record<Table[Name]["labels"][number], string>
>;
