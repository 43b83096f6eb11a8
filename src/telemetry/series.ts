import type { Described } from "../core/metrics/describe.ts";
import type { Counter, Histogram } from "../core/ports/metrics.ts";

/** One number with its labels, as it is shown. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** What the name is followed by; absent in most. */
  readonly suffix?: string;
}

/** More would be a mistake of ours, and must not become one of the memory. */
const SERIES_MAX = 500;

const OTHER = "other";

type Labels = Readonly<Record<string, string>>;

/** The number of one set of label values. */
class Tally implements Counter {
  value = 0;

  add(by = 1): void {
    this.value += by;
  }
}

/** How many values there were up to each bound. */
class Sizes implements Histogram {
  readonly #bounds: readonly number[];
  /** One more than bounds, for what is above all of them. */
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const place = this.#bounds.findIndex((bound) => value <= bound);
    const index = place < 0 ? this.#bounds.length : place;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.sum += value;
  }
}

/** All numbers of one name, by their label values. */
export class Series {
  readonly described: Described;
  readonly #tallies = new Map<string, readonly [Labels, Tally]>();
  readonly #sizes = new Map<string, readonly [Labels, Sizes]>();

  constructor(described: Described) {
    this.described = described;
    // What has no labels is shown from the start: who compares with before needs the 0.
    if (described.labels.length > 0) return;
    if (described.kind === "counter") this.tally({});
    if (described.kind === "histogram") this.sizes({});
  }

  tally(labels: Labels): Tally {
    return this.#find(this.#tallies, labels, () => new Tally());
  }

  sizes(labels: Labels): Sizes {
    return this.#find(this.#sizes, labels, () => new Sizes(this.described.buckets));
  }

  /** Forgets what was read before, which may not be there any more. */
  clear(): void {
    this.#tallies.clear();
  }

  samples(): readonly Sample[] {
    return [
      ...[...this.#tallies.values()].map(([labels, { value }]) => ({ labels, value })),
      ...[...this.#sizes.values()].flatMap((it) => this.#samplesOf(...it)),
    ];
  }

  #find<Value>(
    found: Map<string, readonly [Labels, Value]>,
    labels: Labels,
    make: () => Value,
  ): Value {
    const values = this.described.labels.map((name) => labels[name] ?? "");
    const key = values.join("\n");
    const known = found.get(key);
    if (known !== undefined) return known[1];
    if (found.size >= SERIES_MAX && values.some((value) => value !== OTHER)) {
      const others = this.described.labels.map((name) => [name, OTHER] as const);
      return this.#find(found, Object.fromEntries(others), make);
    }
    const made = make();
    found.set(key, [labels, made]);
    return made;
  }

  #samplesOf(labels: Labels, { counts, sum }: Sizes): Sample[] {
    let count = 0;
    const buckets = counts.map((more, index) => {
      count += more;
      const bound = this.described.buckets[index];
      const le = bound === undefined ? "+Inf" : String(bound);
      return { suffix: "_bucket", labels: { ...labels, le }, value: count };
    });
    const rest = [
      { suffix: "_sum", labels, value: sum },
      { suffix: "_count", labels, value: count },
    ];
    return [...buckets, ...rest];
  }
}
