import { z } from "zod";

type Issue = z.core.$ZodIssue;
type Place = readonly PropertyKey[];

/** Below these a value may be what lets somebody in. */
const SECRETS: ReadonlySet<PropertyKey> = new Set([
  "code",
  "headers",
  "key",
  "secret",
  "session",
  "ticket",
  "token",
]);

const VALUE_MAX_CHARS = 60;
const UNKNOWN_KEYS_TOLD = 3;
/** A list may be wrong in each of its members. */
const PLACES_TOLD = 8;

const TYPES: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  nonoptional: "any JSON",
  number: "a number",
  object: "an object",
  record: "an object",
  string: "a string",
};

/** What `schema` found wrong with `value`, in one line: each place with what is there and what was wanted. */
export function wordsOf({ issues }: z.ZodError, value: unknown, schema: z.ZodType): string {
  const places = new Map<string, { readonly found: string; readonly wanted: string[] }>();
  const told: string[] = [];
  for (const issue of issues) {
    const place = placeOf(issue.path);
    if (issue.code === "unrecognized_keys") {
      const words = unknownKeys(issue.keys, keysAt(schema, issue));
      told.push(issue.path.length === 0 ? words : `${place}: ${words}`);
      continue;
    }
    const known = places.get(place);
    if (known === undefined) {
      places.set(place, { found: foundAt(issue.path, value), wanted: [wantedBy(issue)] });
    } else {
      known.wanted.push(wantedBy(issue));
    }
  }
  for (const [place, { found, wanted }] of places) {
    told.push(`${place}: got ${found}, wanted ${wanted.join(" and ")}`);
  }
  const left = told.length - PLACES_TOLD;
  return [...told.slice(0, PLACES_TOLD), ...(left > 0 ? [`and ${left} more`] : [])].join("; ");
}

function placeOf(path: Place): string {
  return path.length === 0 ? "the whole" : path.map((it) => clipped(String(it))).join(".");
}

function unknownKeys(keys: readonly string[], known: readonly string[]): string {
  const quoted = keys.slice(0, UNKNOWN_KEYS_TOLD).map((key) => JSON.stringify(clipped(key)));
  const found = `got the unknown key${keys.length > 1 ? "s" : ""} ${quoted.join(", ")}`;
  const more = keys.length > quoted.length ? ` and ${keys.length - quoted.length} more` : "";
  const wanted = known.length > 1 ? `wanted one of ${known.join(", ")}` : `wanted ${known.join()}`;
  return known.length === 0 ? found + more : `${found}${more}, ${wanted}`;
}

/** The keys that an object may have where others were found. */
function keysAt(schema: z.ZodType, { path, keys }: z.core.$ZodIssueUnrecognizedKeys): string[] {
  const objects = path.reduce(
    (outer, name) => outer.flatMap(({ shape }) => objectsIn(shape[String(name)])),
    objectsIn(schema),
  );
  // Of several kinds of objects it was one that does not know the key.
  const meant = objects.filter(({ shape }) => !keys.some((key) => Object.hasOwn(shape, key)));
  return [...new Set(meant.flatMap(({ shape }) => Object.keys(shape)))];
}

function objectsIn(schema: z.core.$ZodType | undefined): readonly z.ZodObject[] {
  if (schema instanceof z.ZodObject) return [schema];
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) {
    return objectsIn(schema.unwrap());
  }
  return schema instanceof z.ZodUnion ? schema.options.flatMap(objectsIn) : [];
}

function foundAt(path: Place, whole: unknown): string {
  const value = path.reduce(memberOf, whole);
  // Text that stands alone may be anything, such as a secret without what belongs around it.
  const isSecret = path.length === 0 || path.some((name) => SECRETS.has(name));
  return isSecret ? kindOf(value) : describe(value);
}

function memberOf(value: unknown, name: PropertyKey): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function kindOf(value: unknown): string {
  if (typeof value === "string") return `a string of ${counted(value.length, "character")}`;
  return typeof value === "number" ? "a number" : describe(value);
}

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) {
    return `an object of ${counted(Object.keys(value).length, "key")}`;
  }
  if (typeof value !== "string") return String(value);
  const quoted = JSON.stringify(clipped(value));
  return value.length > VALUE_MAX_CHARS ? `${quoted} of ${value.length} characters` : quoted;
}

function wantedBy(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return TYPES[issue.expected] ?? issue.expected;
    case "too_big":
      return `${issue.inclusive === false ? "less than" : "at most"} ${amount(issue.maximum, issue)}`;
    case "too_small":
      return `${issue.inclusive === false ? "more than" : "at least"} ${amount(issue.minimum, issue)}`;
    case "invalid_value":
      return listed(issue.values);
    case "invalid_union":
      return wantedByAny(issue);
    case "invalid_format":
      return issue.format === "regex" ? wordsIn(issue) : issue.format;
    default:
      return wordsIn(issue);
  }
}

/** What a schema of ours says of itself. */
function wordsIn({ message }: Issue): string {
  return message.replace(/^wanted /, "");
}

function wantedByAny(issue: z.core.$ZodIssueInvalidUnion): string {
  if ("options" in issue && Array.isArray(issue.options)) return listed(issue.options);
  return [...new Set(issue.errors.flatMap((errors) => errors.map(wantedBy)))].join(" or ");
}

function listed(values: readonly unknown[]): string {
  return values.map((value) => JSON.stringify(value)).join(" or ");
}

function amount(limit: number | bigint, { origin }: { readonly origin: string }): string {
  if (origin === "string") return counted(Number(limit), "character");
  return origin === "array" ? counted(Number(limit), "item") : String(limit);
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

function clipped(text: string): string {
  return text.length > VALUE_MAX_CHARS ? `${text.slice(0, VALUE_MAX_CHARS)}…` : text;
}
