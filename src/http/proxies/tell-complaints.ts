import type { Clock } from "../../core/ports/clock.ts";
import type { Log } from "../../core/ports/log.ts";
import type { Metrics } from "../../core/ports/metrics.ts";
import { TokenBucket } from "../../core/rate-limit.ts";
import { RatesByKey } from "../../core/rates-by-key.ts";
import type { Complaint } from "./complaints.ts";

const DAY_SECONDS = 24 * 60 * 60;
/** One proxy is told of once a day for each cause. */
const EACH = { rate: { perSecond: 1 / DAY_SECONDS, burst: 1 }, keysMax: 1_000 };
/** And so many in all, because anybody may send the headers that are complained of. */
const ALL = { perSecond: 50 / DAY_SECONDS, burst: 50 };

export interface TellingParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Logs what is wrong with a proxy, seldom, and counts it, always. */
export function createComplaintTeller({ clock, log, metrics }: TellingParts) {
  const each = new RatesByKey(EACH);
  const all = new TokenBucket(ALL, clock.monotonicMs());
  return ({ code, found, fix }: Complaint, proxy: string): void => {
    metrics.count("posthorn_proxy_oddities_total", { code });
    const nowMs = clock.monotonicMs();
    if (each.take(`${code} ${proxy}`, nowMs) && all.take(nowMs)) {
      log.warn("proxy.odd", { code, found, fix, proxy });
    }
  };
}
