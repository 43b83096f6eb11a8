/** One number of a scrape. */
export interface PrometheusSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface PrometheusFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly PrometheusSample[];
}

const NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const LABEL = '([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\\\\n]|\\\\[\\\\"n])*)"';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{((?:${LABEL})(?:,${LABEL})*)\\})? (\\S+)$`);
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|Nan)$/i;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  histogram: ["_bucket", "_sum", "_count"],
};

/**
 * Reads the text format 0.0.4 of Prometheus, strictly: it throws at what a scraper would refuse, at
 * numbers without a family, at duplicates and at histograms that do not add up.
 */
export function parsePrometheusText(text: string): ReadonlyMap<string, PrometheusFamily> {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const reader = new TextReader();
  for (const line of text.slice(0, -1).split("\n")) if (line !== "") reader.read(line);
  for (const [name, family] of reader.families) checkFamily(name, family);
  return reader.families;
}

interface OpenFamily {
  type: string;
  readonly help: string;
  readonly samples: PrometheusSample[];
}

const COMMENT = new RegExp(`^# (HELP|TYPE) (${NAME}) (.*)$`);

class TextReader {
  readonly families = new Map<string, OpenFamily>();
  readonly #seen = new Set<string>();
  #current = "";

  read(line: string): void {
    const [, keyword, name = "", rest = ""] = COMMENT.exec(line) ?? [];
    if (keyword === "HELP") this.#begin(name, rest);
    else if (keyword === "TYPE") this.#setType(name, rest);
    else this.#add(line);
  }

  #begin(name: string, help: string): void {
    if (this.families.has(name)) throw new Error(`${name} is there twice`);
    this.families.set(name, { type: "", help, samples: [] });
    this.#current = name;
  }

  #setType(name: string, type: string): void {
    const family = this.families.get(name);
    if (family === undefined || name !== this.#current) throw new Error(`stray TYPE of ${name}`);
    if (!/^(counter|gauge|histogram)$/.test(type)) throw new Error(`unknown type ${type}`);
    family.type = type;
  }

  #add(line: string): void {
    const sample = readSample(line);
    const family = this.families.get(this.#current);
    const suffixes = SUFFIXES[family?.type ?? ""] ?? [""];
    if (!suffixes.some((suffix) => sample.name === this.#current + suffix)) {
      throw new Error(`not of ${this.#current}: ${line}`);
    }
    const key = line.slice(0, line.lastIndexOf(" "));
    if (this.#seen.has(key)) throw new Error(`twice: ${key}`);
    this.#seen.add(key);
    family?.samples.push(sample);
  }
}

function readSample(line: string): PrometheusSample {
  const found = SAMPLE.exec(line);
  const value = found?.at(-1) ?? "";
  if (!found || !VALUE.test(value)) throw new Error(`no sample: ${line}`);
  const labels = [...(found[2] ?? "").matchAll(new RegExp(LABEL, "g"))];
  const pairs = labels.map(([, name = "", text = ""]) => [name, unescaped(text)] as const);
  if (new Set(pairs.map(([name]) => name)).size < pairs.length)
    throw new Error(`label twice: ${line}`);
  return {
    name: found[1] ?? "",
    labels: Object.fromEntries(pairs),
    value: Number(value.replace("Inf", "Infinity")),
  };
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));
}

function checkFamily(name: string, { type, samples }: PrometheusFamily): void {
  if (type === "") throw new Error(`${name} has no type`);
  if (type === "counter" && samples.some(({ value }) => value < 0)) {
    throw new Error(`${name} is below 0`);
  }
  if (type !== "histogram") return;
  const bySeries = Map.groupBy(samples, ({ labels: { le: _, ...labels } }) =>
    JSON.stringify(labels),
  );
  for (const [series, numbers] of bySeries) checkHistogram(`${name}${series}`, numbers);
}

function checkHistogram(name: string, numbers: readonly PrometheusSample[]): void {
  const buckets = numbers.filter((it) => it.name.endsWith("_bucket"));
  const bounds = buckets.map(({ labels: { le = "" } }) => Number(le.replace("Inf", "Infinity")));
  const counts = buckets.map(({ value }) => value);
  const isSorted = (list: readonly number[]) =>
    list.every((it, index) => index === 0 || it >= (list[index - 1] ?? 0));
  if (!isSorted(bounds) || !isSorted(counts)) throw new Error(`${name}: buckets out of order`);
  if (bounds.at(-1) !== Number.POSITIVE_INFINITY) throw new Error(`${name}: no bucket for +Inf`);
  const count = numbers.find((it) => it.name.endsWith("_count"))?.value;
  if (count !== counts.at(-1)) throw new Error(`${name}: the count is not that of all buckets`);
  if (!numbers.some((it) => it.name.endsWith("_sum"))) throw new Error(`${name}: there is no sum`);
}

/** What a scrape says under a name, with these labels; 0 when it says nothing, as a counter begins. */
export function valueIn(
  families: ReadonlyMap<string, PrometheusFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const samples = [...families.values()].flatMap((it) => it.samples);
  const wanted = Object.entries(labels);
  return samples
    .filter((it) => it.name === name && wanted.every(([key, value]) => it.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}
