import { parseRetryAfterMs } from "../core/backoff.ts";
import { LIMITS } from "../core/limits.ts";
import type { CourierAnswer } from "../core/ports/courier.ts";
import type { WakeOutcome } from "../core/ports/push.ts";
import { asList, asMembers, membersOf } from "./json-members.ts";

/** What an answer means that does not depend on what was answered before. */
export type FcmVerdict =
  | WakeOutcome
  /** The access token is not accepted. */
  | { readonly outcome: "unauthenticated" }
  /** The device's token belongs to another Firebase project. */
  | { readonly outcome: "foreign_token" };

/** What Google wants of who was told nothing else. */
const RETRY_MS = 10_000;
const QUOTA_RETRY_MS = 60_000;

interface FcmError {
  readonly status: number;
  /** What FCM itself calls it; undefined when the error is not FCM's. */
  readonly code?: string;
  readonly blamesToken: boolean;
  readonly retryAfterMs?: number;
}

/** Reads an answer. The words in it are not passed on: they may hold the token. */
export function classifyFcm(answer: CourierAnswer, nowMs: number): FcmVerdict {
  if (!answer.ok) return retry(RETRY_MS, answer.why);
  if (answer.status === 200 && "name" in membersOf(answer.text)) return { outcome: "sent" };
  const error = errorIn(answer, nowMs);
  const { status, code, blamesToken, retryAfterMs } = error;
  const found = `answered with ${code ?? `status ${status} and no FCM error`}`;
  switch (code) {
    case "UNREGISTERED":
      return { outcome: "token_dead" };
    case "SENDER_ID_MISMATCH":
      return { outcome: "foreign_token" };
    case "INVALID_ARGUMENT":
      return blamesToken ? { outcome: "token_dead" } : { outcome: "refused", why: found };
    case "QUOTA_EXCEEDED":
      return retry(retryAfterMs ?? QUOTA_RETRY_MS, found);
    case "UNAVAILABLE":
    case "INTERNAL":
      return retry(retryAfterMs ?? RETRY_MS, found);
    case "THIRD_PARTY_AUTH_ERROR":
    case "APNS_AUTH_ERROR":
      return { outcome: "stopped", why: found };
    default:
      return classifyStatus(error, found);
  }
}

/** The error is Google's in general, or that of something on the way, or a new one of FCM. */
function classifyStatus({ status, retryAfterMs }: FcmError, found: string): FcmVerdict {
  if (status === 401) return { outcome: "unauthenticated" };
  if (status === 403) return { outcome: "stopped", why: "does not let the service account send" };
  if (status === 404) return { outcome: "stopped", why: "does not know the project" };
  if (status === 429) return retry(retryAfterMs ?? QUOTA_RETRY_MS, found);
  if (status === 408 || status >= 500 || status < 400)
    return retry(retryAfterMs ?? RETRY_MS, found);
  return { outcome: "refused", why: found };
}

function errorIn(answer: Extract<CourierAnswer, { ok: true }>, nowMs: number): FcmError {
  const { message, details } = asMembers(membersOf(answer.text)["error"]);
  const parts = asList(details).map(asMembers);
  const { errorCode: code } = parts.find((part) => hasType(part, "FcmError")) ?? {};
  const violations = parts.flatMap((part) => asList(part["fieldViolations"]).map(asMembers));
  const retryAfterMs = parseRetryAfterMs(answer.header("retry-after"), nowMs);
  return {
    status: answer.status,
    ...(typeof code === "string" && /^\w{1,64}$/.test(code) && { code }),
    blamesToken:
      violations.some(({ field }) => field === "message.token") ||
      (typeof message === "string" && message.includes("not a valid FCM registration token")),
    ...(retryAfterMs !== undefined && {
      retryAfterMs: Math.min(retryAfterMs, LIMITS.pushPauseMaxMs),
    }),
  };
}

function hasType(part: Readonly<Record<string, unknown>>, name: string): boolean {
  const type = part["@type"];
  return typeof type === "string" && type.endsWith(name);
}

function retry(afterMs: number, why: string): WakeOutcome {
  return { outcome: "retry", afterMs, why };
}
