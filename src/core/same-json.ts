import { isArrayText, isObjectText, rawElements, rawMembers } from "./raw-json.ts";

/**
 * Whether two JSON texts say the same, however they are written: `1` and `1.0`, members in any
 * order, escapes or not. Numbers are compared digit by digit, so that two that differ beyond the
 * precision of a double are not the same. The texts must not be nested deeper than the stack allows.
 */
export function isSameJson(a: string, b: string): boolean {
  if (a === b) return true;
  if (isObjectText(a)) return isObjectText(b) && areSameMembers(rawMembers(a), rawMembers(b));
  if (isArrayText(a)) return isArrayText(b) && areSameElements(rawElements(a), rawElements(b));
  return isSameScalar(a.trim(), b.trim());
}

function areSameMembers(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  if (a.size !== b.size) return false;
  for (const [key, text] of a) {
    const other = b.get(key);
    if (other === undefined || !isSameJson(text, other)) return false;
  }
  return true;
}

function areSameElements(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => isSameJson(text, b[index] ?? ""));
}

function isSameScalar(a: string, b: string): boolean {
  if (a === b) return true;
  if (a.startsWith('"')) return b.startsWith('"') && JSON.parse(a) === JSON.parse(b);
  const number = canonicalNumber(a);
  return number !== undefined && number === canonicalNumber(b);
}

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** One spelling for each number: its digits without outer zeros, and the power of ten of the last one. */
function canonicalNumber(text: string): string | undefined {
  const [, sign, whole = "", fraction = "", exponent = "0"] = NUMBER.exec(text) ?? [];
  if (sign === undefined) return undefined;
  const leading = (whole + fraction).replace(/^0+/, "");
  const digits = withoutLastZeros(leading);
  if (digits === "") return "0";
  // Exponents can have more digits than a double holds exactly.
  const power = BigInt(exponent) - BigInt(fraction.length) + BigInt(leading.length - digits.length);
  return `${sign}${digits}e${power}`;
}

/** In one pass: a pattern for zeros at the end takes quadratic time where zeros are many. */
function withoutLastZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits[end - 1] === "0") end -= 1;
  return digits.slice(0, end);
}
