/** The globals of ES2017. What more there is in an engine, old phones do not have. */
const GLOBALS =
  "undefined NaN Infinity isNaN isFinite escape unescape decodeURI decodeURIComponent encodeURI " +
  "encodeURIComponent eval parseInt parseFloat ArrayBuffer Error EvalError RangeError ReferenceError " +
  "SyntaxError TypeError URIError Proxy Reflect JSON Math Int8Array Int16Array Int32Array Uint8Array " +
  "Uint8ClampedArray Uint16Array Uint32Array Float32Array Float64Array DataView Date Boolean Map Number " +
  "Set WeakMap WeakSet Object Function Array RegExp String Promise Symbol";

/**
 * What came after ES2017, by the object that has it, and what only some engines have.
 * `Intl`, `Atomics` and `SharedArrayBuffer` are older and missing above: not every phone has them.
 */
const NEWER: Readonly<Record<string, string>> = {
  Array: "fromAsync",
  "Array.prototype": "at findLast findLastIndex flat flatMap toReversed toSorted toSpliced with",
  "ArrayBuffer.prototype": "detached maxByteLength resizable resize transfer transferToFixedLength",
  "DataView.prototype": "getBigInt64 getBigUint64 getFloat16 setBigInt64 setBigUint64 setFloat16",
  "Date.prototype": "toTemporalInstant",
  Error: "captureStackTrace isError stackTraceLimit",
  // Helpers of iterators hang on what all of them inherit from.
  "Object.getPrototypeOf(Object.getPrototypeOf([].keys()))":
    "chunks drop every filter find flatMap forEach includes join map reduce some take toArray windows",
  "Object.getPrototypeOf(Int8Array.prototype)":
    "at findLast findLastIndex toReversed toSorted with",
  JSON: "isRawJSON rawJSON",
  Map: "groupBy",
  "Map.prototype": "getOrInsert getOrInsertComputed",
  Math: "f16round sumPrecise",
  Object: "fromEntries groupBy hasOwn",
  Promise: "allSettled any try withResolvers",
  "Promise.prototype": "finally",
  RegExp: "escape",
  "RegExp.prototype": "dotAll hasIndices unicodeSets",
  "Set.prototype":
    "difference intersection isDisjointFrom isSubsetOf isSupersetOf symmetricDifference union",
  "String.prototype":
    "at isWellFormed matchAll replaceAll toWellFormed trimEnd trimLeft trimRight trimStart",
  "Symbol.prototype": "description",
  Uint8Array: "fromBase64 fromHex",
  "Uint8Array.prototype": "setFromBase64 setFromHex toBase64 toHex",
  "WeakMap.prototype": "getOrInsert getOrInsertComputed",
};

/** Symbols of the language cannot be deleted, so `Symbol` becomes one that knows only the old ones. */
const OLD_SYMBOL = `
  Symbol = ((Real) => {
    const Old = function Symbol(description) {
      if (new.target !== undefined) throw new TypeError("Symbol is not a constructor");
      return Real(description);
    };
    Old.prototype = Real.prototype;
    const known = "for keyFor hasInstance isConcatSpreadable iterator match replace search species split toPrimitive toStringTag unscopables";
    for (const name of known.split(" ")) Object.defineProperty(Old, name, { value: Real[name] });
    return Old;
  })(Symbol);
`;

/** Everything to keep beside {@link GLOBALS} is named in `kept`. Code for a context of `node:vm`. */
export function codeToAge(kept: readonly string[]): string {
  const members = Object.entries(NEWER).map(
    ([owner, names]) =>
      `for (const it of ${JSON.stringify(names.split(" "))}) delete (${owner})[it];`,
  );
  const globals = JSON.stringify([...GLOBALS.split(" "), ...kept]);
  const others = `Object.getOwnPropertyNames(this).filter((it) => !${globals}.includes(it))`;
  return `${members.join("\n")}${OLD_SYMBOL}for (const it of ${others}) delete this[it];`;
}
