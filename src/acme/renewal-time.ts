import { ACME_LIMITS } from "./limits.ts";

export interface Lifetime {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** When a certificate is to be renewed; `fraction` is chance, so that not everybody comes at once. */
export function renewAtMs({ notBeforeMs, notAfterMs }: Lifetime, fraction: number): number {
  const lifeMs = notAfterMs - notBeforeMs;
  const { renewPart, renewJitterPart } = ACME_LIMITS;
  return notAfterMs - lifeMs * (renewPart + renewJitterPart * fraction);
}

/** When another order may be begun, given when those before it were; in the past or now: at once. */
export function orderAllowedAtMs(startsMs: readonly number[], nowMs: number): number {
  const recent = recentOrders(startsMs, nowMs);
  const first = recent.at(-ACME_LIMITS.ordersPerHour);
  return first === undefined ? nowMs : first + HOUR_MS;
}

/** Those that count; what is in the future was dated by a clock that was wrong. */
export function recentOrders(startsMs: readonly number[], nowMs: number): readonly number[] {
  return startsMs
    .filter((it) => it <= nowMs && it > nowMs - HOUR_MS)
    .toSorted((one, other) => one - other);
}

const HOUR_MS = 60 * 60 * 1000;
