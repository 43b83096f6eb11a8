import { z } from "zod";
import { isNoSample } from "./samples.ts";
import { formatDuration, formatSize, parseDurationMs, parseSizeBytes } from "./units.ts";

/** What documentation and problem reports say of one key, beside its schema. */
export interface Field {
  readonly description: string;
  /** Completes the sentence "got x, wanted …". */
  readonly wanted: string;
  /** The default as TOML writes it; absent when the key may be left out for good. */
  readonly fallback?: string;
  /** Turns the text of a variable or a flag into what TOML would have given. */
  readonly fromText: (text: string) => unknown;
  /** Its value is never shown. */
  readonly isSecret?: boolean;
}

/** Every key's {@link Field}, found by its schema. */
export const FIELDS = z.registry<Field>();

interface Range {
  readonly min: number;
  readonly max: number;
  readonly fallback: number;
  readonly description: string;
}

/** A count of `unit`. */
export function count(unit: string, { min, max, fallback, description }: Range) {
  const schema = z.int().min(min).max(max).default(fallback);
  return schema.register(FIELDS, {
    description,
    wanted: `a whole number from ${min} to ${max} (${unit})`,
    fallback: String(fallback),
    fromText: numberFromText,
  });
}

/** A count of `unit` that may be left out for good. */
export function optionalCount(unit: string, { min, max, description }: Omit<Range, "fallback">) {
  const schema = z.int().min(min).max(max).optional();
  return schema.register(FIELDS, {
    description,
    wanted: `a whole number from ${min} to ${max} (${unit})`,
    fromText: numberFromText,
  });
}

/** A duration such as "24h"; milliseconds once it is read. */
export function duration({ min, max, fallback, description }: Range) {
  const inRange = z.number().min(min).max(max);
  const schema = z.string().transform(parseDurationMs).pipe(inRange).default(fallback);
  return schema.register(FIELDS, {
    description,
    wanted: `a duration from ${formatDuration(min)} to ${formatDuration(max)}, such as "500ms", "90s", "15m", "24h" or "7d"`,
    fallback: JSON.stringify(formatDuration(fallback)),
    fromText: String,
  });
}

/** A size such as "64KB"; bytes once it is read. */
export function size({ min, max, fallback, description }: Range) {
  const inRange = z.int().min(min).max(max);
  const schema = z
    .union([z.int(), z.string().transform(parseSizeBytes)])
    .pipe(inRange)
    .default(fallback);
  return schema.register(FIELDS, {
    description,
    wanted: `a size from ${formatSize(min)} to ${formatSize(max)}, such as 65536, "64KB" or "1MB"`,
    fallback: JSON.stringify(formatSize(fallback)),
    fromText: numberFromText,
  });
}

/** Yes or no. */
export function flag(fallback: boolean, description: string) {
  return z
    .boolean()
    .default(fallback)
    .register(FIELDS, {
      description,
      wanted: "true or false",
      fallback: String(fallback),
      fromText: (text) => text === "true" || (text !== "false" && text),
    });
}

/** One of a few words. */
export function choice<const Words extends readonly [string, ...string[]]>(
  words: Words,
  fallback: Words[number],
  description: string,
) {
  return z
    .enum(words)
    .default(fallback)
    .register(FIELDS, {
      description,
      wanted: wantedOf(words),
      fallback: JSON.stringify(fallback),
      fromText: String,
    });
}

/** One of a few words that may be left out for good. */
export function optionalChoice<const Words extends readonly [string, ...string[]]>(
  words: Words,
  description: string,
) {
  return z
    .enum(words)
    .optional()
    .register(FIELDS, { description, wanted: wantedOf(words), fromText: String });
}

interface TextRules {
  readonly wanted: string;
  readonly description: string;
  readonly isRight: (text: string) => boolean;
}

/** Text that has a default. */
export function text(fallback: string, { wanted, description, isRight }: TextRules) {
  return z
    .string()
    .refine(isRight)
    .default(fallback)
    .register(FIELDS, {
      description,
      wanted,
      fallback: JSON.stringify(fallback),
      fromText: String,
    });
}

/** Text that may be left out for good. */
export function optionalText({ wanted, description, isRight }: TextRules) {
  return z
    .string()
    .refine(isRight)
    .optional()
    .register(FIELDS, { description, wanted, fromText: String });
}

/** A secret that may be left out for good. It is shown nowhere. */
export function optionalSecret({ wanted, description, isRight }: TextRules) {
  return z
    .string()
    .refine(isNoSample, sampleOf(`a secret of your own: ${wanted}`))
    .refine(isRight)
    .optional()
    .register(FIELDS, { description, wanted, fromText: String, isSecret: true });
}

/** Any number of texts, by default none; in a variable they stand between commas. */
export function textList(
  { wanted, description, isRight }: TextRules,
  fallback: readonly string[] = [],
) {
  return z
    .array(z.string().refine(isRight))
    .default([...fallback])
    .register(FIELDS, {
      description,
      wanted,
      fallback: `[${fallback.map((item) => JSON.stringify(item)).join(", ")}]`,
      fromText: listFromText,
    });
}

/** Any number of secrets, by default none. They are shown nowhere. */
export function secretList({ wanted, description, isRight }: TextRules) {
  const item = z.string().refine(isNoSample, sampleOf("keys of your own")).refine(isRight);
  return z.array(item).default([]).register(FIELDS, {
    description,
    wanted,
    fallback: "[]",
    fromText: listFromText,
    isSecret: true,
  });
}

/** An issue that a rule between keys raises on one of them; `wanted` completes "got x, wanted …". */
export function unmet(key: string, wanted: string) {
  return { code: "custom" as const, path: [key], params: { wanted } };
}

/** The same of one item of a list, counted from 0. */
export function unmetItem(key: string, index: number, wanted: string) {
  return { code: "custom" as const, path: [key, index], params: { wanted } };
}

function sampleOf(wanted: string) {
  return { params: { found: "the sample of the documentation", wanted } };
}

function wantedOf(words: readonly string[]): string {
  return `one of ${words.map((word) => JSON.stringify(word)).join(", ")}`;
}

function numberFromText(text: string): unknown {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

function listFromText(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
