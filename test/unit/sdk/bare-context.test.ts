import { describe, expect, test } from "bun:test";
import { builtSdk } from "../../support/fake-wx/app.ts";
import { runBare } from "../../support/fake-wx/bare-context.ts";

/** Evaluates one expression where the file of the SDK is run. */
function evaluate(expression: string): unknown {
  return runBare(`module.exports = ${expression};`, { wx: {} }, () => 1_000);
}

const sdk = await builtSdk();

test("the file for mini-programs names nothing that old phones lack", () => {
  const code = sdk.miniprogram.replace(/"[^"\n]*"/g, '""');
  const newer =
    /\.(flat|flatMap|finally|fromEntries|hasOwn|allSettled|any|replaceAll|matchAll|findLast|trimStart|trimEnd)\(/g;
  const globals =
    /\b(TextDecoder|TextEncoder|BigInt|WeakRef|AbortController|URL|URLSearchParams|Intl|structuredClone|queueMicrotask|globalThis)\b/g;
  expect([...code.matchAll(newer), ...code.matchAll(globals)].map(([it]) => it)).toEqual([]);
});

describe("the phone's world", () => {
  test.each(
    (
      "globalThis window self global AggregateError SuppressedError DisposableStack AsyncDisposableStack " +
      "WeakRef FinalizationRegistry BigInt BigInt64Array BigUint64Array Float16Array Iterator Temporal " +
      "ShadowRealm WebAssembly SharedArrayBuffer Atomics Intl console TextDecoder TextEncoder URL " +
      "URLSearchParams AbortController structuredClone queueMicrotask fetch WebSocket XMLHttpRequest " +
      "EventSource Event EventTarget Buffer process Bun setTimeout setImmediate atob btoa crypto performance"
    ).split(" "),
  )("has no %s", (name) => {
    expect(evaluate(`typeof ${name}`)).toBe("undefined");
  });

  test.each([
    [
      "Array.prototype",
      "at findLast findLastIndex flat flatMap toReversed toSorted toSpliced with",
    ],
    ["Array", "fromAsync"],
    ["Int8Array.prototype", "at findLast toSorted with"],
    ["[].keys()", "map filter take drop flatMap toArray forEach some every find reduce"],
    ["Map", "groupBy"],
    ["Object", "fromEntries groupBy hasOwn"],
    ["Promise", "allSettled any try withResolvers"],
    ["Promise.prototype", "finally"],
    ["RegExp.prototype", "dotAll hasIndices"],
    ["Set.prototype", "union intersection difference"],
    [
      "String.prototype",
      "at matchAll replaceAll trimStart trimEnd trimLeft trimRight isWellFormed",
    ],
    ["Symbol", "asyncIterator matchAll dispose asyncDispose"],
    ["Symbol.prototype", "description"],
    ["Error", "captureStackTrace stackTraceLimit isError"],
    ["Uint8Array", "fromBase64 fromHex"],
  ])("has in %s none of: %s", (owner, names) => {
    const list = JSON.stringify(names.split(" "));
    expect(evaluate(`${list}.filter((it) => it in ${owner})`)).toEqual([]);
  });

  test("has as many members as it had, whatever the engine learns", () => {
    // When a newer engine fails this, old-engine.ts has to name what is new in it.
    const counted = evaluate(`Object.getOwnPropertyNames(this)
      .filter((name) => /^[A-Z]/.test(name) && !/^(NaN|Infinity)$|.(Error|Array)$/.test(name))
      .map((name) => [this[name], this[name].prototype || {}].reduce(
        (text, it) => text + " " + Object.getOwnPropertyNames(it).length, name))
      .sort().join(", ")`);
    expect(counted).toBe(
      "Array 6 31, ArrayBuffer 4 3, Boolean 3 3, DataView 4 20, Date 4 1, Error 3 4, Function 3 9, JSON 2 0, " +
        "Map 3 11, Math 43 0, Number 17 7, Object 23 12, Promise 7 3, Proxy 3 0, Reflect 13 0, RegExp 24 12, " +
        "Set 3 10, String 6 43, Symbol 16 3, WeakMap 3 5, WeakSet 3 4",
    );
  });

  test("has what ES2017 has", async () => {
    expect(
      evaluate(`[[1].includes(1), "7".padStart(2, "0"), Object.entries({ a: 1 }), [...new Set([2])],
        " x ".trim(), typeof Reflect.ownKeys, Symbol("a").toString(), typeof Symbol.iterator, Date.now()]`),
    ).toEqual([true, "07", [["a", 1]], [2], "x", "function", "Symbol(a)", "symbol", 1_000]);
    expect(await evaluate("(async () => [...(await Promise.all([1, 2]))])()")).toEqual([1, 2]);
  });

  test("fails the file that uses what is missing, with the words of a phone", () => {
    expect(() => evaluate("[[1]].flat()")).toThrow("flat is not a function");
    expect(() => evaluate("new TextDecoder()")).toThrow("TextDecoder");
  });

  test("has the globals that were given", () => {
    expect(evaluate("Object.getOwnPropertyNames(this)")).toBeArray();
    expect(evaluate("typeof wx")).toBe("object");
  });
});
