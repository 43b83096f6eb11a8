import { createContext, runInContext } from "node:vm";
import { codeToAge } from "./old-engine.ts";

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
 * of ES2017 and the ones given. Gives what the file exports.
 */
export function runBare(
  source: string,
  globals: Readonly<Record<string, unknown>>,
  nowMs: () => number,
): unknown {
  const module = { exports: {} };
  const context = createContext({ ...globals, __now: nowMs });
  runInContext(PHONE_DATE, context);
  runInContext(codeToAge(Object.keys(globals)), context);
  const file = runInContext(`(function (module, exports, require) {${source}\n})`, context);
  const require = (name: string) => {
    throw new Error(`module '${name}' is not defined`);
  };
  file(module, module.exports, require);
  return module.exports;
}
