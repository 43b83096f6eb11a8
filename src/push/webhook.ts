import { parseRetryAfterMs } from "../core/backoff.ts";
import { LIMITS } from "../core/limits.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Courier, CourierAnswer } from "../core/ports/courier.ts";
import type { Entropy } from "../core/ports/entropy.ts";
import type { PushProvider, WakeOutcome } from "../core/ports/push.ts";
import type { Signer } from "../core/ports/signer.ts";
import { encodeWakeHint, wakeMembers } from "../core/wake-hint.ts";
import { RememberedIds } from "./remembered-ids.ts";

export interface WebhookPushSettings {
  readonly url: string;
  /** What the signature is made with. */
  readonly secret: string;
}

interface Surroundings {
  readonly courier: Courier;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly createSigner: (secret: string) => Signer;
}

const RETRY_MS = 10_000;

/** Lets a service of the operator wake devices: one signed POST per wake-up, a repetition under the same id. */
export function createWebhookPush(
  { url, secret }: WebhookPushSettings,
  { courier, clock, entropy, createSigner }: Surroundings,
): PushProvider {
  const signer = createSigner(secret);
  const remembered = new RememberedIds(clock, LIMITS.wakeGiveUpMs);
  return {
    async wake({ device, token, hint }) {
      const key = `${encodeWakeHint(hint)}${device} ${token}`;
      const id = remembered.take(key) ?? entropy.uuid();
      const timeMs = clock.nowMs();
      const body = JSON.stringify({
        type: "device.wake",
        timestamp: new Date(timeMs).toISOString(),
        data: { device, token, hint: wakeMembers(hint) },
      });
      const answer = await courier.send({
        method: "POST",
        url,
        headers: {
          "content-type": "application/json",
          ...signer.sign({ id, timeMs, body }),
        },
        body,
        timeoutMs: LIMITS.pushTimeoutMs,
        answerMaxBytes: LIMITS.pushAnswerMaxBytes,
      });
      const outcome = classify(answer, clock.nowMs());
      if (outcome.outcome === "retry") remembered.keep(key, id);
      return outcome;
    },
  };
}

function classify(answer: CourierAnswer, nowMs: number): WakeOutcome {
  if (!answer.ok) return { outcome: "retry", afterMs: RETRY_MS, why: answer.why };
  const { status } = answer;
  const why = `answered with status ${status}`;
  if (status >= 200 && status < 300) return { outcome: "sent" };
  if (status === 410) return { outcome: "token_dead" };
  if (status === 401 || status === 403) return { outcome: "stopped", why };
  if (status === 408 || status === 429 || status >= 500) {
    const wantedMs = parseRetryAfterMs(answer.header("retry-after"), nowMs) ?? RETRY_MS;
    return { outcome: "retry", afterMs: Math.min(wantedMs, LIMITS.pushPauseMaxMs), why };
  }
  return { outcome: "refused", why };
}
