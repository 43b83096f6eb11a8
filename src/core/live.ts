/**
 * What may be replaced while others use it. They read `current` for each piece of work and go on with
 * what they read, so that what has begun ends as it began.
 */
export interface Live<Value> {
  readonly current: Value;
}

/** A part of what is live, or something made of it. */
export function livePart<Whole, Part>(
  whole: Live<Whole>,
  partOf: (whole: Whole) => Part,
): Live<Part> {
  return {
    get current() {
      return partOf(whole.current);
    },
  };
}

/**
 * A record whose members are at any time those of the current one, which always has the same names.
 * For those who take a record of settings and read it for each piece of work; a copy does not follow.
 */
export function liveRecord<Fields extends object>(source: Live<Fields>): Fields {
  const names = Object.keys(source.current) as (keyof Fields)[];
  const members = names.map((name) => [
    name,
    { enumerable: true, get: () => source.current[name] },
  ]);
  return Object.create(Object.prototype, Object.fromEntries(members)) as Fields;
}
