import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Series } from "./series.ts";

export type { Registry } from "prom-client";

const KINDS = { counter: Counter, gauge: Gauge, histogram: Histogram } as const;

/** Lets the library write what was counted here. */
export function createRegistry(all: ReadonlyMap<string, Series>): Registry {
  const registry = new Registry();
  for (const [name, series] of all) registry.registerMetric(metricOf(name, series));
  return registry;
}

/**
 * The library's own metrics keep each number in an object that they look up by a text of its labels,
 * which costs twenty times as much as an addition. So it is asked to write only, by the methods that
 * its registry calls: `get`, and of a histogram the second one.
 */
function metricOf(name: string, series: Series) {
  const { kind, help, labels } = series.described;
  const Kind = KINDS[kind];
  const metric = new Kind({ name, help, labelNames: labels, registers: [] });
  const get = async () => ({
    ...{ name, help, type: kind, aggregator: "sum" as const },
    values: series.samples().map(({ labels, value, suffix = "" }) => ({
      metricName: `${name}${suffix}`,
      labels,
      value,
    })),
  });
  return Object.assign(metric, { get, getForPromString: get });
}
