import { parseRetryAfterMs } from "../core/backoff.ts";
import { LIMITS } from "../core/limits.ts";
import type { CourierAnswer } from "../core/ports/courier.ts";

/** What an endpoint's answer means for what was delivered, and for the endpoint. */
export type Verdict =
  | { readonly is: "delivered" }
  | { readonly is: "failed"; readonly why: string }
  /** The endpoint wants to be left alone for so long. */
  | { readonly is: "busy"; readonly why: string; readonly pauseMs: number }
  /** The endpoint wants nothing any more. */
  | { readonly is: "gone"; readonly why: string };

/** Reads the status; the body says nothing to us. */
export function judge(answer: CourierAnswer, nowMs: number): Verdict {
  if (!answer.ok) return { is: "failed", why: answer.why };
  const { status, header } = answer;
  const why = `answered with status ${status}`;
  if (status >= 200 && status < 300) return { is: "delivered" };
  if (status === 410) return { is: "gone", why };
  const pauseMs = parseRetryAfterMs(header("retry-after"), nowMs);
  if (pauseMs === undefined || (status !== 429 && status !== 503)) return { is: "failed", why };
  return { is: "busy", why, pauseMs: Math.min(pauseMs, LIMITS.webhookPauseMaxMs) };
}
