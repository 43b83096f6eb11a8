import { createContext, runInContext } from "node:vm";

/** What the engine brings along and phones do not have, old ones at least. */
const ABSENT = [
  "globalThis",
  "AggregateError",
  "AsyncDisposableStack",
  "DisposableStack",
  "FinalizationRegistry",
  "Float16Array",
  "Iterator",
  "ShadowRealm",
  "SharedArrayBuffer",
  "SuppressedError",
  "Temporal",
  "WeakRef",
  "WebAssembly",
];

/** Code that makes the context's own `Date` tell the phone's time. */
const PHONE_DATE = `
  Date = ((Real, now) => class Date extends Real {
    constructor(...parts) { if (parts.length > 0) super(...parts); else super(now()); }
    static now() { return now(); }
  })(Date, __now);
  delete this.__now;
`;

/**
 * Loads a CommonJS file as a mini-program does: in a world of its own whose only globals are those
 * of the language and the ones given. Gives what the file exports.
 */
export function runBare(
  source: string,
  globals: Readonly<Record<string, unknown>>,
  nowMs: () => number,
): unknown {
  const module = { exports: {} };
  const context = createContext({ ...globals, __now: nowMs });
  runInContext(PHONE_DATE, context);
  runInContext(ABSENT.map((name) => `delete this.${name};`).join(""), context);
  const file = runInContext(`(function (module, exports, require) {${source}\n})`, context);
  const require = (name: string) => {
    throw new Error(`module '${name}' is not defined`);
  };
  file(module, module.exports, require);
  return module.exports;
}
