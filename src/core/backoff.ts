/** How long to wait between attempts. */
export interface Backoff {
  /** After the first attempt. */
  readonly firstMs: number;
  /** What each further wait is multiplied by. */
  readonly factor: number;
  readonly maxMs: number;
}

/** Part of a wait that chance adds, so that what failed together is not tried again together. */
const JITTER = 0.2;

/** How long to wait after so many failed attempts, at least 1. */
export function backoffMs({ firstMs, factor, maxMs }: Backoff, failures: number): number {
  return Math.min(firstMs * factor ** (failures - 1), maxMs);
}

/** The same wait or a little more; `fraction` is chance, from 0 to 1. */
export function withJitter(delayMs: number, fraction: number): number {
  return Math.round(delayMs * (1 + JITTER * fraction));
}

/** A date as RFC 9110 §5.6.7 wants it sent; the parser alone would take almost anything for one. */
const HTTP_DATE_PATTERN = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** How long a Retry-After header (RFC 9110 §10.2.3) wants us to wait; undefined when it says nothing that makes sense. */
export function parseRetryAfterMs(text: string | undefined, nowMs: number): number | undefined {
  const value = text?.trim() ?? "";
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  if (!HTTP_DATE_PATTERN.test(value)) return undefined;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
