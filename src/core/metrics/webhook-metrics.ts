import { counter, gauge } from "./describe.ts";

/** Of what the backend is told. */
export const WEBHOOK_METRICS = {
  posthorn_webhook_waiting: gauge("Events that wait to be told", "endpoint"),
  posthorn_webhook_waiting_bytes: gauge("What those weigh", "endpoint"),
  posthorn_webhook_dead: gauge("Events that were given up and are kept", "endpoint"),
  posthorn_webhook_lag_seconds: gauge(
    "Age of the oldest event that waits; 0 when none waits",
    "endpoint",
  ),
  posthorn_webhook_disabled: gauge("1 when the endpoint answered 410 and gets nothing", "endpoint"),
  posthorn_webhook_deliveries_total: counter(
    "Attempts to deliver: delivered, failed, busy, gone, or dead when it was the last one",
    "endpoint",
    "outcome",
  ),
} as const;
