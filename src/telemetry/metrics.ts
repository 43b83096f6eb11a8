import { METRICS, type MetricName } from "../core/metrics/table.ts";
import type { Log } from "../core/ports/log.ts";
import type { Metrics, Reader, Tell } from "../core/ports/metrics.ts";
import type { Registry } from "./exposition.ts";
import { Series } from "./series.ts";

/** The figures in the form in which they are asked for. */
export interface Exposition {
  /** In the text format of Prometheus 0.0.4. Who asks while another is answered gets the same. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** Figures that can be counted, and shown. */
export interface ShownMetrics extends Metrics, Exposition {}

/** Keeps every figure in memory; the log hears of those that cannot be read. */
export function createMetrics(log?: Pick<Log, "warn">): ShownMetrics {
  return new MemoryMetrics(log);
}

class MemoryMetrics implements ShownMetrics {
  readonly contentType = "text/plain; version=0.0.4; charset=utf-8";
  readonly #series: ReadonlyMap<MetricName, Series> = new Map(
    namesOf(METRICS).map((name) => [name, new Series(METRICS[name])]),
  );
  readonly #log: Pick<Log, "warn"> | undefined;
  readonly #readers: Reader[] = [];
  /** Those of which the log has heard since they last succeeded. */
  readonly #failing = new Set<Reader>();
  #registry: Promise<Registry> | undefined;
  #answer: Promise<string> | undefined;

  constructor(log: Pick<Log, "warn"> | undefined) {
    this.#log = log;
  }

  counter: Metrics["counter"] = (name, labels) => this.#of(name).tally(labels);

  histogram: Metrics["histogram"] = (name, labels) => this.#of(name).sizes(labels);

  count: Metrics["count"] = (name, labels) => this.#of(name).tally(labels).add();

  onRead(read: Reader): void {
    this.#readers.push(read);
  }

  text(): Promise<string> {
    this.#answer ??= this.#render().finally(() => {
      this.#answer = undefined;
    });
    return this.#answer;
  }

  async #render(): Promise<string> {
    for (const series of this.#series.values()) {
      if (series.described.kind === "gauge") series.clear();
    }
    await Promise.all(this.#readers.map((read) => this.#read(read)));
    this.#registry ??= loadRegistry(this.#series);
    return (await this.#registry).metrics();
  }

  /** What one of them cannot tell is no reason to be silent about all others. */
  async #read(read: Reader): Promise<void> {
    try {
      await read(this.#tell);
      this.#failing.delete(read);
    } catch (error) {
      // A scraper comes every few seconds, and the reason is the same each time.
      if (!this.#failing.has(read)) this.#log?.warn("metrics.unread", { error });
      this.#failing.add(read);
    }
  }

  readonly #tell: Tell = (name, labels, value) => {
    this.#of(name).tally(labels).value = value;
  };

  #of(name: MetricName): Series {
    const series = this.#series.get(name);
    if (series === undefined) throw new TypeError(`Cannot count ${name}: there is no such metric`);
    return series;
  }
}

/** Loaded only when somebody asks: the library costs tens of milliseconds at every start. */
async function loadRegistry(series: ReadonlyMap<MetricName, Series>): Promise<Registry> {
  const { createRegistry } = await import("./exposition.ts");
  return createRegistry(series);
}

function namesOf(table: typeof METRICS): readonly MetricName[] {
  return Object.keys(table) as MetricName[];
}
