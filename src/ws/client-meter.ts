import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { Metrics } from "../core/ports/metrics.ts";
import { DISCONNECT, type Disconnect } from "../protocol/codes.ts";
import { SilenceWatch } from "./silence-watch.ts";

/** Counts what clients get. What happens with every frame keeps its counter. */
export interface ClientMeter {
  /** A publication came to the fan-out. */
  published(): void;
  /** So many subscriptions got it. */
  delivered(subscriptions: number): void;
  /** A frame of so many bytes went to so many clients. */
  sent(bytes: number, clients?: number): void;
  commanded(method: string): void;
  admitted(transport: string): void;
  closed(by: "client" | "server", disconnect: Disconnect): void;
  /** A socket ended without a close frame, after so much silence in both directions. */
  brokeOff(silenceMs: number): void;
}

export interface ClientMeterOptions {
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
}

/** Of the websocket itself (RFC 6455 §7.4.1), without those that cannot be seen here. */
const STANDARD_CODES = [1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011];
/** A held response whose client went, and the times of a shutdown. */
const OTHER_CODES = [3000, 4002];

/** A client may close with any code, and the backend too: each that is known is told, the rest as one. */
const KNOWN_CODES: ReadonlySet<number> = new Set([
  ...STANDARD_CODES,
  ...OTHER_CODES,
  ...Object.values(DISCONNECT).map(({ code }) => code),
]);

export function createClientMeter({ metrics, ...around }: ClientMeterOptions): ClientMeter {
  const silences = metrics.histogram("posthorn_client_abnormal_close_silence_seconds", {});
  const watch = new SilenceWatch(around);
  const publications = metrics.counter("posthorn_publications_total", {});
  const deliveries = metrics.counter("posthorn_deliveries_total", {});
  const frames = metrics.counter("posthorn_sent_frames_total", {});
  const frameBytes = metrics.counter("posthorn_sent_bytes_total", {});
  return {
    published: () => publications.add(),
    delivered: (subscriptions) => deliveries.add(subscriptions),
    sent(bytes, clients = 1) {
      frames.add(clients);
      frameBytes.add(bytes * clients);
    },
    commanded: (method) => metrics.count("posthorn_client_commands_total", { method }),
    admitted: (transport) => metrics.count("posthorn_client_connections_total", { transport }),
    closed(by, { code }) {
      const known = KNOWN_CODES.has(code) ? String(code) : "other";
      metrics.count("posthorn_client_closes_total", { by, code: known });
      const isEviction = by === "server" && code === DISCONNECT.slow.code;
      if (isEviction) metrics.count("posthorn_client_evictions_total", {});
    },
    brokeOff(silenceMs) {
      silences.observe(silenceMs / 1000);
      watch.brokeOff(silenceMs);
    },
  };
}
