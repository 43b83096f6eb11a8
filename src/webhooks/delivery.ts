import { type Backoff, backoffMs, withJitter } from "../core/backoff.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Courier } from "../core/ports/courier.ts";
import type { Entropy } from "../core/ports/entropy.ts";
import type { Log } from "../core/ports/log.ts";
import type { Metrics } from "../core/ports/metrics.ts";
import type { Outbox, OutboxRow } from "../core/ports/outbox.ts";
import type { Signer } from "../core/ports/signer.ts";
import { judge, type Verdict } from "./verdict.ts";

/** Where an operator wants to be told of events. */
export interface WebhookEndpoint {
  readonly name: string;
  readonly url: string;
  readonly signer: Signer;
}

export interface DeliveryOptions {
  readonly outbox: Outbox;
  readonly courier: Courier;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** From seconds to hours; eleven waits are about a day, and none is longer than `LIMITS.outboxWaitMaxMs`. */
const RETRY: Backoff = { firstMs: 5_000, factor: 3, maxMs: 6 * 60 * 60 * 1000 };

/** Delivers one row to its endpoint and tells the outbox what came of it. Rejects as the outbox does. */
export async function deliver(
  row: OutboxRow,
  { name, url, signer }: WebhookEndpoint,
  options: DeliveryOptions,
): Promise<Verdict> {
  const { outbox, courier, clock, log, metrics } = options;
  const { id, type, body, trace } = row;
  const answer = await courier.send({
    method: "POST",
    url,
    headers: {
      "content-type": "application/json",
      ...signer.sign({ id, timeMs: clock.nowMs(), body }),
      ...trace,
    },
    body,
    timeoutMs: LIMITS.webhookTimeoutMs,
    answerMaxBytes: LIMITS.webhookAnswerMaxBytes,
  });
  const verdict = judge(answer, clock.nowMs());
  metrics.count("posthorn_webhook_deliveries_total", { endpoint: name, outcome: verdict.is });
  if (verdict.is === "delivered") {
    await outbox.done(row);
    log.debug("webhook.delivered", { endpoint: name, id, type });
  } else {
    await fail(row, verdict, options);
  }
  return verdict;
}

async function fail(
  row: OutboxRow,
  verdict: Exclude<Verdict, { is: "delivered" }>,
  { outbox, clock, entropy, log, metrics }: DeliveryOptions,
): Promise<void> {
  const { endpoint, id, type } = row;
  const { why } = verdict;
  const failures = row.failures + 1;
  const atMs = clock.nowMs();
  if (failures >= LIMITS.webhookAttempts) {
    await outbox.bury(row, { atMs, why });
    metrics.count("posthorn_webhook_deliveries_total", { endpoint, outcome: "dead" });
    log.error("webhook.dead", { endpoint, id, type, why, attempts: failures });
    return;
  }
  const leastMs = verdict.is === "busy" ? verdict.pauseMs : 0;
  const waitMs = Math.max(leastMs, backoffMs(RETRY, failures));
  const retryMs = withJitter(waitMs, entropy.fraction());
  await outbox.retry(row, atMs + retryMs);
  log.info("webhook.failed", { endpoint, id, type, why, attempts: failures, retryMs });
}
