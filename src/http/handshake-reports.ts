import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { Metrics } from "../core/ports/metrics.ts";
import { RatesByKey } from "../core/rates-by-key.ts";
import type { HandshakeOffer, HandshakeRefusal } from "../ws/handshake.ts";
import type { CallerInfo } from "./proxies/addressed.ts";

/** Who shook hands, and where. */
export interface Shaking {
  readonly info: Pick<CallerInfo, "remoteAddress" | "proxyAddress">;
  readonly path: string;
}

/** Tells whoever runs the server what is wrong with handshakes: mostly a proxy, of whose clients each brings the same. */
export interface HandshakeReports {
  refused(refusal: HandshakeRefusal, shaking: Shaking): void;
  odd(offer: Pick<HandshakeOffer, "oddities">, shaking: Shaking): void;
}

const KEYS_MAX = 1_000;
/** Enough for somebody who changes a proxy and tries again. */
const REFUSALS = { perSecond: 1 / 60, burst: 10 };
/** What works all the same is told once a day. */
const ODDITIES = { perSecond: 1 / (24 * 60 * 60), burst: 1 };

export interface ReportingParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Counts every one, and logs so many of one cause and one peer. */
export function createHandshakeReports({ clock, log, metrics }: ReportingParts): HandshakeReports {
  const refusals = new RatesByKey({ rate: REFUSALS, keysMax: KEYS_MAX });
  const oddities = new RatesByKey({ rate: ODDITIES, keysMax: KEYS_MAX });
  return {
    refused({ code, detail, seen, fix }, { info, path }) {
      metrics.count("posthorn_handshakes_refused_total", { code });
      if (!refusals.take(keyOf(code, info), clock.monotonicMs())) return;
      log.warn("handshake.failed", { code, detail, path, seen, fix, ...peerIn(info) });
    },
    odd(offer, { info, path }) {
      for (const oddity of offer.oddities) {
        const { code } = oddity;
        metrics.count("posthorn_handshake_oddities_total", { code });
        if (!oddities.take(keyOf(code, info), clock.monotonicMs())) continue;
        log.warn("handshake.odd", { ...oddity, path, ...peerIn(info) });
      }
    },
  };
}

function keyOf(code: string, { remoteAddress, proxyAddress }: Shaking["info"]): string {
  return `${code} ${proxyAddress ?? remoteAddress}`;
}

function peerIn({ remoteAddress, proxyAddress }: Shaking["info"]) {
  return { address: remoteAddress, ...(proxyAddress !== undefined && { proxy: proxyAddress }) };
}
