/** A condition on a publication's tags; every kind of node of the client protocol. */
export type TagsFilter =
  | { readonly op: "and" | "or"; readonly nodes: readonly TagsFilter[] }
  | { readonly op: "not"; readonly node: TagsFilter }
  | { readonly op: "tag"; readonly key: string; readonly cmp: TagCompare };

export type TagCompare =
  | { readonly by: "eq" | "neq" | "sw" | "ew" | "ct"; readonly text: string }
  | { readonly by: "in" | "nin"; readonly texts: readonly string[] }
  | { readonly by: "ex" | "nex" }
  | { readonly by: "lt" | "lte" | "gt" | "gte"; readonly number: number };

export type Tags = Readonly<Record<string, string>>;

/** Whether a publication with these tags passes. A tag that is not there passes only what asks for that. */
export function passesFilter(filter: TagsFilter, tags: Tags): boolean {
  switch (filter.op) {
    case "and":
      return filter.nodes.every((node) => passesFilter(node, tags));
    case "or":
      return filter.nodes.some((node) => passesFilter(node, tags));
    case "not":
      return !passesFilter(filter.node, tags);
    case "tag":
      return compares(filter.cmp, Object.hasOwn(tags, filter.key) ? tags[filter.key] : undefined);
  }
}

/** A plain number, or undefined: what only begins like one is compared with nothing. */
export function parseDecimal(text: string): number | undefined {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

function compares(cmp: TagCompare, value: string | undefined): boolean {
  if (value === undefined) return cmp.by === "nex" || cmp.by === "neq" || cmp.by === "nin";
  switch (cmp.by) {
    case "ex":
      return true;
    case "nex":
      return false;
    case "in":
      return cmp.texts.includes(value);
    case "nin":
      return !cmp.texts.includes(value);
    case "eq":
    case "neq":
    case "sw":
    case "ew":
    case "ct":
      return comparesText(cmp.by, value, cmp.text);
    case "lt":
    case "lte":
    case "gt":
    case "gte":
      return comparesNumber(cmp.by, parseDecimal(value) ?? Number.NaN, cmp.number);
  }
}

function comparesText(
  by: "eq" | "neq" | "sw" | "ew" | "ct",
  value: string,
  wanted: string,
): boolean {
  switch (by) {
    case "eq":
      return value === wanted;
    case "neq":
      return value !== wanted;
    case "sw":
      return value.startsWith(wanted);
    case "ew":
      return value.endsWith(wanted);
    case "ct":
      return value.includes(wanted);
  }
}

function comparesNumber(by: "lt" | "lte" | "gt" | "gte", value: number, wanted: number): boolean {
  switch (by) {
    case "lt":
      return value < wanted;
    case "lte":
      return value <= wanted;
    case "gt":
      return value > wanted;
    case "gte":
      return value >= wanted;
  }
}
