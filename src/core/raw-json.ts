/**
 * Finds members of JSON objects without parsing them, so that payloads can be passed on byte for
 * byte: `JSON.parse` and back changes 64-bit integers, `1.0`, and the order of integer-like keys.
 *
 * Every function takes text that `JSON.parse` has accepted; on other text the answer is undefined
 * behaviour (but ends).
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;

/** One member of an object as it was written. */
export interface RawMember {
  /** With its quotes and escapes. */
  readonly keyText: string;
  readonly text: string;
}

/** The text of each member's value by key, as `JSON.parse` would choose: the last of equal keys. */
export function rawMembers(objectText: string): Map<string, string> {
  const members = new Map<string, string>();
  eachMember(objectText, (keyText, text) => members.set(keyOf(keyText), text));
  return members;
}

/** The same with the text of each key, for who writes the object again. */
export function rawEntries(objectText: string): Map<string, RawMember> {
  const entries = new Map<string, RawMember>();
  eachMember(objectText, (keyText, text) => entries.set(keyOf(keyText), { keyText, text }));
  return entries;
}

function eachMember(objectText: string, found: (keyText: string, text: string) => void): void {
  let at = skipSpace(objectText, 0) + 1;
  while (true) {
    at = skipSpace(objectText, at);
    if (objectText.charCodeAt(at) !== QUOTE) return;
    const keyEnd = endOfString(objectText, at);
    const valueStart = skipSpace(objectText, skipSpace(objectText, keyEnd) + 1);
    const valueEnd = endOfValue(objectText, valueStart);
    found(objectText.slice(at, keyEnd), objectText.slice(valueStart, valueEnd));
    at = skipSpace(objectText, valueEnd);
    if (objectText.charCodeAt(at) !== COMMA) return;
    at += 1;
  }
}

/** The text of each element of an array. */
export function rawElements(arrayText: string): string[] {
  const elements: string[] = [];
  let at = skipSpace(arrayText, skipSpace(arrayText, 0) + 1);
  while (at < arrayText.length && arrayText.charCodeAt(at) !== CLOSE_BRACKET) {
    const end = endOfValue(arrayText, at);
    elements.push(arrayText.slice(at, end));
    at = skipSpace(arrayText, end);
    if (arrayText.charCodeAt(at) === COMMA) at = skipSpace(arrayText, at + 1);
  }
  return elements;
}

/** The text of the value at `path`, or undefined when there is none. */
export function rawAt(objectText: string, path: readonly string[]): string | undefined {
  let text: string | undefined = objectText;
  for (const key of path) {
    if (text === undefined || !isObjectText(text)) return undefined;
    text = rawMembers(text).get(key);
  }
  return text;
}

/** Whether the text is that of an object. */
export function isObjectText(jsonText: string): boolean {
  return jsonText.charCodeAt(skipSpace(jsonText, 0)) === OPEN_BRACE;
}

/** Whether the text is that of an array. */
export function isArrayText(jsonText: string): boolean {
  return jsonText.charCodeAt(skipSpace(jsonText, 0)) === OPEN_BRACKET;
}

/** How many objects and arrays lie within each other where they do so most; 0 for a text, a number and the like. */
export function depthOf(jsonText: string): number {
  let depth = 0;
  let deepest = 0;
  let at = 0;
  while (at < jsonText.length) {
    const code = jsonText.charCodeAt(at);
    if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1;
    if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1;
    deepest = Math.max(deepest, depth);
    at = code === QUOTE ? endOfString(jsonText, at) : at + 1;
  }
  return deepest;
}

/** The same JSON on one line: raw line breaks can only be white space in JSON, and frames are split at them. */
export function onOneLine(jsonText: string): string {
  return jsonText.includes("\n") || jsonText.includes("\r")
    ? jsonText.replace(/[\r\n]+/g, "")
    : jsonText;
}

function keyOf(quoted: string): string {
  return quoted.includes("\\") ? JSON.parse(quoted) : quoted.slice(1, -1);
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at += 1;
  return at;
}

/** `from` is at the opening quote; the answer is just behind the closing one. */
function endOfString(text: string, from: number): number {
  let end = text.indexOf('"', from + 1);
  while (end > 0 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end < 0 ? text.length : end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes += 1;
  return backslashes % 2 === 1;
}

function endOfValue(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first === QUOTE) return endOfString(text, from);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfNested(text, from);
  let at = from;
  while (at < text.length && !endsScalar(text.charCodeAt(at))) at += 1;
  return at;
}

function endsScalar(code: number): boolean {
  return code <= 0x20 || code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET;
}

function endOfNested(text: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < text.length) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
      continue;
    }
    if (code === OPEN_BRACE || code === OPEN_BRACKET) depth += 1;
    if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1;
    at += 1;
    if (depth === 0) return at;
  }
  return at;
}
