import { Fault } from "./faults.ts";
import { LIMITS } from "./limits.ts";

/** Whether a whole text is of the shape that a pattern describes. */
export type Glob = (text: string) => boolean;

/** "run" is any number of any characters; else what one character has to be. */
type Part = "run" | ((char: string) => boolean);

/**
 * Reads a pattern, or throws `glob_malformed`: `*` is any run of characters, `?` any one, `[a-z]`
 * and `[!a-z]` one of a set, `{a,b}` either, and a backslash makes the next character plain.
 *
 * No regular expression is made of it: matching takes at most pattern times text steps, whatever a
 * caller thinks up.
 */
export function parseGlob(pattern: string): Glob {
  if (pattern.length > LIMITS.globMaxChars) {
    throw malformed(`got ${pattern.length} characters, wanted at most ${LIMITS.globMaxChars}`);
  }
  const alternatives = expandBraces(pattern).map(partsOf);
  return (text) => alternatives.some((parts) => matches(parts, text));
}

/** Remembers the last run only: when a later part fails, that run takes one character more. */
function matches(parts: readonly Part[], text: string): boolean {
  let part = 0;
  let at = 0;
  let lastRun = -1;
  let runEnd = 0;
  while (at < text.length) {
    const wanted = parts[part];
    if (wanted === "run") {
      lastRun = part;
      runEnd = at;
      part += 1;
    } else if (wanted?.(text.charAt(at))) {
      part += 1;
      at += 1;
    } else if (lastRun >= 0) {
      runEnd += 1;
      part = lastRun + 1;
      at = runEnd;
    } else {
      return false;
    }
  }
  return parts.slice(part).every((rest) => rest === "run");
}

function expandBraces(pattern: string): string[] {
  const open = [pattern];
  const done: string[] = [];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const brace = findBrace(next);
    if (brace === undefined) done.push(next);
    else open.push(...brace);
    if (open.length + done.length > LIMITS.globAlternatives) {
      throw malformed(`its braces stand for more than ${LIMITS.globAlternatives} texts`);
    }
  }
  return done;
}

/** The patterns that the first innermost braces of a pattern stand for; undefined when it has none. */
function findBrace(pattern: string): string[] | undefined {
  let marks: number[] = [];
  for (let at = 0; at < pattern.length; at = endOfToken(pattern, at)) {
    const char = pattern.charAt(at);
    if (char === "{") marks = [at];
    else if (char === "," && marks.length > 0) marks.push(at);
    else if (char === "}" && marks.length > 0) return splitBraces(pattern, [...marks, at]);
  }
  if (marks.length > 0) throw malformed("a { is not closed");
  return undefined;
}

/** `marks` are the places of the opening brace, the commas and the closing brace. */
function splitBraces(pattern: string, marks: readonly number[]): string[] {
  const head = pattern.slice(0, marks[0]);
  const tail = pattern.slice((marks.at(-1) ?? 0) + 1);
  return marks
    .slice(0, -1)
    .map((mark, index) => head + pattern.slice(mark + 1, marks[index + 1]) + tail);
}

function partsOf(pattern: string): Part[] {
  const parts: Part[] = [];
  for (let at = 0; at < pattern.length; ) {
    const end = endOfToken(pattern, at);
    parts.push(partOf(pattern.slice(at, end)));
    at = end;
  }
  return parts;
}

function partOf(token: string): Part {
  if (token === "*") return "run";
  if (token === "?") return () => true;
  if (token.length > 1 && token.startsWith("[")) return setOf(token.slice(1, -1));
  const char = token.at(-1);
  return (found) => found === char;
}

function setOf(body: string): Part {
  const isNegated = /^[!^]/.test(body);
  const ranges: (readonly [from: string, to: string])[] = [];
  for (const [, from = "", to = from] of body.slice(isNegated ? 1 : 0).matchAll(SET_ITEM)) {
    ranges.push([from, to]);
  }
  return (char) => ranges.some(([from, to]) => char >= from && char <= to) !== isNegated;
}

/** One character or two with a dash between them; a backslash in front of either makes it plain. */
const SET_ITEM = /\\?([\s\S])(?:-\\?([\s\S]))?/g;

/** Just behind the token that begins at `at`: an escaped character, a set in brackets, or one character. */
function endOfToken(pattern: string, at: number): number {
  const char = pattern.charAt(at);
  if (char === "\\") {
    if (at + 1 === pattern.length) throw malformed("nothing follows the last backslash");
    return at + 2;
  }
  if (char !== "[") return at + 1;
  const set = SET.exec(pattern.slice(at))?.[0];
  if (set === undefined) throw malformed("a [ is not closed");
  return at + set.length;
}

/** A closing bracket is plain when it comes first or behind a backslash. */
const SET = /^\[[!^]?(?:\\[\s\S]|[^\\])(?:\\[\s\S]|[^\\\]])*\]/;

function malformed(detail: string): Fault {
  return new Fault("glob_malformed", { detail });
}
