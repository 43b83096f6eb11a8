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

/**
 * The same for what only those kinds of subscriptions and deltas call, and what makes them. It names what
 * phones lack (`flatMap`, `TextDecoder`), so that without it a look at the file shows that it needs
 * nothing of it.
 */
const UNUSED_METHODS = [
  "_addSharedPollSignature",
  "_buildMapSubscribeCommand",
  "_debouncedPublish",
  "_fetchSnapshot",
  "_fetchStream",
  "_getMapUpdateContext",
  "_getSharedPollUpdateContext",
  "_handleMapLiveResponse",
  "_handleMapStateResponse",
  "_handleMapStreamResponse",
  "_handleMapSubscribeError",
  "_handleTrackError",
  "_handleTrackResponse",
  "_loadStreamState",
  "_mapSubscribe",
  "_maybeScheduleSharedPollSignatureRefresh",
  "_restartMapFlow",
  "_scheduleSharedPollReplayRetry",
  "_seedDeltaTracking",
  "_sendTrackRequest",
  "_sendUntrackRequest",
  "_sharedPollRefreshSignature",
  "_sharedPollReplayTrack",
  "_sharedPollRequestFailed",
  "_sharedPollSerial",
  "_transitionFromSnapshot",
  "_untrackFailedKeys",
  "applyDeltaIfNeeded",
  "mapPublish",
  "mapRemove",
  "newMapClientsSubscription",
  "newMapSubscription",
  "newMapUsersSubscription",
  "newSharedPollSubscription",
];

/** What nobody asks of the client here, wherever it is, and who comes to a channel and goes. */
const UNASKED_METHODS = [
  "_getHistoryRequest",
  "_handleJoin",
  "_handleLeave",
  "deltaStats",
  "getMapSubscription",
  "getSharedPollSubscription",
  "history",
  "mapSubscriptions",
  "presence",
  "presenceStats",
  "publish",
  "removeMapSubscription",
  "removeSharedPollSubscription",
  "setHeaders",
  "setTagsFilter",
  "sharedPollSubscriptions",
];

/** A statement that only writes a debug line. */
const DEBUG_LINE = /^\s*(?:this|self)\._debug\(.*\);$/gm;

/**
 * Leaves out of the package centrifuge what a client that speaks JSON over one websocket never
 * reaches: a quarter of its size. Bundlers cannot see that, for all of it hangs on one class.
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
    const isClass = head.startsWith("class");
    const rest = isClass ? "(?: extends \\w+)? " : "\\(.*\\) ";
    const whole = new RegExp(`^${head}${rest}\\{\\n[\\s\\S]*?^\\}$`, "m");
    text = cut(text, whole, isClass ? `${head} {}` : `${head}() {}`);
  }
  for (const name of [...UNUSED_METHODS, ...UNASKED_METHODS]) {
    const whole = new RegExp(`^    ${name}\\(.*\\) \\{\\n[\\s\\S]*?^    \\}$`, "gm");
    text = cut(text, whole, `${name}() {}`);
  }
  return text;
}

function cut(text: string, whole: RegExp, rest: string): string {
  // A new version of the package that looks different is to be looked at, not cut blindly.
  const left = text.replace(whole, rest);
  if (left === text) throw new Error(`Cannot trim centrifuge: it has no ${rest}`);
  return left;
}
