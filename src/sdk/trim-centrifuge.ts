import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

/** Ways to a server other than a websocket, kinds of subscriptions, and what decodes deltas. */
const UNUSED = [
  "class SockjsTransport",
  "class ReplyStreamBuffer",
  "class LineStreamBuffer",
  "class HttpStreamTransport",
  "class SseTransport",
  "class WebtransportTransport",
  "class MapSubscription",
  "class SharedPollSubscription",
  "class Reader",
  "class Writer",
  "function checksum",
  "function applyDelta",
];

/** A statement that only writes a debug line. */
const DEBUG_LINE = /^\s*(?:this|self)\._debug\(.*\);$/gm;

/**
 * Leaves out of the package centrifuge what a client that speaks JSON over one websocket never
 * reaches: a fifth of its size. Bundlers cannot see that, for all of it hangs on one class.
 */
export const trimCentrifuge: Plugin = {
  name: "trim-centrifuge",
  setup(build) {
    build.onLoad({ filter: /centrifuge[\\/]build[\\/]index\.m?js$/ }, async ({ path }) => ({
      contents: trim(await readFile(path, "utf8")),
      loader: "js",
    }));
  },
};

function trim(source: string): string {
  let text = source.replace(DEBUG_LINE, ";");
  for (const head of UNUSED) {
    const rest = head.startsWith("class") ? "(?: extends \\w+)? " : "\\(.*\\) ";
    const whole = new RegExp(`^${head}${rest}\\{\\n[\\s\\S]*?^\\}$`, "m");
    // A new version of the package that looks different is to be looked at, not cut blindly.
    if (!whole.test(text)) throw new Error(`Cannot trim centrifuge: it has no ${head}`);
    text = text.replace(whole, head.startsWith("class") ? `${head} {}` : `${head}() {}`);
  }
  return text;
}
