import { LIMITS } from "../core/limits.ts";
import type { CourierAnswer } from "../core/ports/courier.ts";
import type { WakeOutcome } from "../core/ports/push.ts";
import { asMembers, membersOf } from "./json-members.ts";

/** An answer that is no success, for whatever was asked. */
export type JPushFailure = Exclude<WakeOutcome, { readonly outcome: "sent" }>;

type Received = Extract<CourierAnswer, { readonly ok: true }>;

/** JPush counts calls per minute; this is for an answer that does not say how much is left of it. */
const QUOTA_PAUSE_MS = 60_000;
/** For trouble on their side. */
const RETRY_MS = 5_000;

/** What only an operator can put right, by error code. */
const STOPS: ReadonlyMap<number, string> = new Map([
  [1004, "does not accept the app key and the master secret"],
  [2003, "does not let the app use its API"],
  [2004, "does not let this server's address use its API"],
  [2005, "does not let the app send any more"],
]);

const NO_TARGET = 1011;
const QUOTA_USED_UP = 2002;
const THEIR_TROUBLE = new Set([1000, 1030]);

/** What an answer other than the wanted one means. JPush's own words are not passed on: they may hold the token. */
export function classifyJPush(answer: CourierAnswer): JPushFailure {
  if (!answer.ok) return retry(RETRY_MS, answer.why);
  const { status, text } = answer;
  const { code } = asMembers(membersOf(text)["error"]);
  if (typeof code !== "number") return classifyStatus(answer);
  const found = `answered with error ${code}`;
  const stop = STOPS.get(code);
  if (stop !== undefined) return { outcome: "stopped", why: `${stop} (error ${code})` };
  if (code === NO_TARGET) return { outcome: "token_dead" };
  if (code === QUOTA_USED_UP) return retry(resetOf(answer), found);
  if (THEIR_TROUBLE.has(code) || status >= 500) return retry(RETRY_MS, found);
  return { outcome: "refused", why: found };
}

/** For how long the app may make no more calls at all, as the headers of every answer tell. */
export function pauseOf(answer: CourierAnswer): number {
  if (!answer.ok) return 0;
  const remaining = countIn(answer.header("X-Rate-Limit-Remaining"));
  const isUsedUp = remaining === 0 || (remaining === undefined && answer.status === 429);
  return isUsedUp ? resetOf(answer) : 0;
}

/** Until the next minute of theirs. */
function resetOf({ header }: Received): number {
  const resetS = countIn(header("X-Rate-Limit-Reset"));
  return resetS === undefined ? QUOTA_PAUSE_MS : Math.min(resetS * 1000, LIMITS.pushPauseMaxMs);
}

/** Something between us and JPush answered, or JPush did in an unknown way. */
function classifyStatus(answer: Received): JPushFailure {
  const { status } = answer;
  const found = `answered with status ${status} and no error code`;
  if (status === 429) return retry(resetOf(answer), found);
  if (status === 401 || status === 403) return { outcome: "stopped", why: found };
  if (status === 408 || status >= 500 || status < 400) return retry(RETRY_MS, found);
  return { outcome: "refused", why: found };
}

function retry(afterMs: number, why: string): JPushFailure {
  return { outcome: "retry", afterMs, why };
}

function countIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
